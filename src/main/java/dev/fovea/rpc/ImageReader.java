package dev.fovea.rpc;

import dev.fovea.cache.UploadedImage;
import dev.fovea.cache.UploadedImages;
import dev.fovea.call.Caller;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import dev.fovea.image.Region;
import dev.fovea.task.Content;
import dev.fovea.v1.Image;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.RawImage;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/// Reads the images of requests, wherever their bytes come from.
final class ImageReader {
  private static final int MAX_HANDLE_LENGTH = 128;
  private static final int MAX_COLOUR = 0xFFFFFF;

  private final UploadedImages uploaded;

  ImageReader(UploadedImages uploaded) {
    this.uploaded = uploaded;
  }

  /// @param caller whose handles are meant
  /// @throws GatewayException with `INVALID_FIELD` or `IMAGE_HANDLE_EXPIRED`, the field named from
  ///   the image's own message
  Content.Image read(Image image, Caller caller) {
    return new Content.Image(source(image, caller), options(image), region(image));
  }

  private ImageSource source(Image image, Caller caller) {
    return switch (image.getSourceCase()) {
      case CONTENT -> new ImageSource.Encoded(image.getContent().asReadOnlyByteBuffer());
      case RAW -> raw(image.getRaw());
      case HANDLE -> new ImageSource.Encoded(uploaded(image.getHandle(), caller));
      case SOURCE_NOT_SET ->
          throw GatewayException.invalidField("source", "nothing", "content, raw or handle");
    };
  }

  private ByteBuffer uploaded(String handle, Caller caller) {
    requireHandle(handle);
    return uploaded
        .find(caller, handle)
        .map(UploadedImage::bytes)
        .orElseThrow(() ->
            GatewayException.invalid(
                Reason.IMAGE_HANDLE_EXPIRED,
                "handle",
                handle,
                "one that this server gave to this caller and that has not expired"));
  }

  static void requireHandle(String handle) {
    if (handle.isEmpty() || handle.length() > MAX_HANDLE_LENGTH) {
      throw GatewayException.invalidField("handle", handle, "1 to 128 characters");
    }
  }

  private static ImageSource.Raw raw(RawImage raw) {
    ByteBuffer data = raw.getData().asReadOnlyByteBuffer();
    return new ImageSource.Raw(
        pixelFormat(raw),
        toInt(raw.getWidth()),
        toInt(raw.getHeight()),
        toInt(raw.getStride()),
        data);
  }

  /// An unsigned number, as far as an int goes: whatever is larger is beyond every limit anyway.
  private static int toInt(int unsigned) {
    return unsigned < 0 ? Integer.MAX_VALUE : unsigned;
  }

  private static PixelFormat pixelFormat(RawImage raw) {
    return switch (raw.getPixelFormat()) {
      case PIXEL_FORMAT_RGB24 -> PixelFormat.RGB24;
      case PIXEL_FORMAT_BGR24 -> PixelFormat.BGR24;
      case PIXEL_FORMAT_RGBA -> PixelFormat.RGBA;
      case PIXEL_FORMAT_GRAY8 -> PixelFormat.GRAY8;
      case PIXEL_FORMAT_NV12 -> PixelFormat.NV12;
      case PIXEL_FORMAT_I420 -> PixelFormat.I420;
      case PIXEL_FORMAT_UNSPECIFIED, UNRECOGNIZED ->
          throw GatewayException.invalidField(
              "raw.pixel_format", raw.getPixelFormatValue(), "a known pixel format");
    };
  }

  private static ImageOptions options(Image image) {
    dev.fovea.v1.ImageOptions options = image.getOptions();
    return new ImageOptions(
        appliesOrientation(options),
        alphaBackground(options),
        toInt(image.getFrameIndex()),
        detail(options));
  }

  private static boolean appliesOrientation(dev.fovea.v1.ImageOptions options) {
    return switch (options.getOrientation()) {
      case ORIENTATION_UNSPECIFIED, ORIENTATION_APPLY -> true;
      case ORIENTATION_IGNORE -> false;
      case UNRECOGNIZED ->
          throw GatewayException.invalidField(
              "options.orientation", options.getOrientationValue(), "a known orientation");
    };
  }

  private static OptionalInt alphaBackground(dev.fovea.v1.ImageOptions options) {
    if (!options.hasAlphaBackground()) {
      return OptionalInt.empty();
    }
    int colour = options.getAlphaBackground();
    if (colour < 0 || colour > MAX_COLOUR) {
      throw GatewayException.invalidField(
          "options.alpha_background", Integer.toUnsignedLong(colour), "0 to 0xFFFFFF");
    }
    return OptionalInt.of(colour);
  }

  private static ImageOptions.Detail detail(dev.fovea.v1.ImageOptions options) {
    return switch (options.getDetail()) {
      case DETAIL_UNSPECIFIED, DETAIL_AUTO -> ImageOptions.Detail.AUTO;
      case DETAIL_LOW -> ImageOptions.Detail.LOW;
      case DETAIL_HIGH -> ImageOptions.Detail.HIGH;
      case UNRECOGNIZED ->
          throw GatewayException.invalidField(
              "options.detail", options.getDetailValue(), "a known detail");
    };
  }

  private static Region region(Image image) {
    if (!image.hasRegion()) {
      return Region.WHOLE;
    }
    NormalizedBox box = image.getRegion();
    requireFraction("region.x_min", box.getXMin());
    requireFraction("region.y_min", box.getYMin());
    requireFraction("region.x_max", box.getXMax());
    requireFraction("region.y_max", box.getYMax());
    requireAbove("region.x_max", box.getXMax(), "x_min", box.getXMin());
    requireAbove("region.y_max", box.getYMax(), "y_min", box.getYMin());
    return new Region(box.getXMin(), box.getYMin(), box.getXMax(), box.getYMax());
  }

  private static void requireFraction(String field, float value) {
    if (!(value >= 0 && value <= 1)) {
      throw GatewayException.invalidField(field, value, "a number, 0 to 1");
    }
  }

  private static void requireAbove(String field, float max, String least, float min) {
    if (!(max > min)) {
      throw GatewayException.invalidField(field, max, "more than " + least + ", which is " + min);
    }
  }

  /// A refusal that a task had for an image, with the field of its message that it is about.
  static GatewayException locate(GatewayException refusal, Image image) {
    boolean located =
        refusal.violations().stream()
            .anyMatch(v -> v.field().equals("frame_index") || v.field().equals("region"));
    return located
        ? refusal
        : switch (image.getSourceCase()) {
          case CONTENT -> refusal.under("content");
          case RAW -> refusal.under("raw");
          case HANDLE -> refusal.under("handle");
          case SOURCE_NOT_SET -> refusal;
        };
  }
}
