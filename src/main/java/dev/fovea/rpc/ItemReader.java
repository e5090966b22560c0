package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import dev.fovea.task.Content;
import dev.fovea.text.Truncation;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.RawImage;
import dev.fovea.v1.Text;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// Reads the items of a request. Each item by itself: one that is malformed is refused, its
/// neighbours are not.
final class ItemReader {
  private static final int MAX_ID_LENGTH = 128;
  private static final int MAX_COLOUR = 0xFFFFFF;

  private final RequestLimits limits;

  ItemReader(RequestLimits limits) {
    this.limits = limits;
  }

  List<Outcome<Content>> read(List<Item> items) {
    List<Outcome<Content>> contents = new ArrayList<>();
    for (Item item : items) {
      contents.add(Outcome.done(item).then(this::read));
    }
    return contents;
  }

  private Content read(Item item) {
    if (item.getId().length() > MAX_ID_LENGTH) {
      throw GatewayException.invalidField("id", item.getId(), "at most 128 characters");
    }
    return switch (item.getContent().getKindCase()) {
      case IMAGE -> {
        try {
          yield read(item.getContent().getImage());
        } catch (GatewayException refusal) {
          throw refusal.under("content.image");
        }
      }
      case TEXT -> {
        try {
          yield read(item.getContent().getText());
        } catch (GatewayException refusal) {
          throw refusal.under("content.text");
        }
      }
      case KIND_NOT_SET ->
          throw GatewayException.invalidField("content", "nothing", "an image or a text");
    };
  }

  private Content.Image read(Image image) {
    return new Content.Image(source(image), options(image.getOptions()));
  }

  private static ImageSource source(Image image) {
    return switch (image.getSourceCase()) {
      case CONTENT -> new ImageSource.Encoded(image.getContent().asReadOnlyByteBuffer());
      case RAW -> raw(image.getRaw());
      case SOURCE_NOT_SET ->
          throw GatewayException.invalidField("source", "nothing", "content or raw");
    };
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
      case PIXEL_FORMAT_UNSPECIFIED, UNRECOGNIZED ->
          throw GatewayException.invalidField(
              "raw.pixel_format", raw.getPixelFormatValue(), "a known pixel format");
    };
  }

  private static ImageOptions options(dev.fovea.v1.ImageOptions options) {
    boolean applyOrientation =
        switch (options.getOrientation()) {
          case ORIENTATION_UNSPECIFIED, ORIENTATION_APPLY -> true;
          case ORIENTATION_IGNORE -> false;
          case UNRECOGNIZED ->
              throw GatewayException.invalidField(
                  "options.orientation", options.getOrientationValue(), "a known orientation");
        };
    if (!options.hasAlphaBackground()) {
      return ImageOptions.of(applyOrientation, OptionalInt.empty());
    }
    int colour = options.getAlphaBackground();
    if (colour < 0 || colour > MAX_COLOUR) {
      throw GatewayException.invalidField(
          "options.alpha_background", Integer.toUnsignedLong(colour), "0 to 0xFFFFFF");
    }
    return ImageOptions.of(applyOrientation, OptionalInt.of(colour));
  }

  private Content.Text read(Text text) {
    limits.requireText("value", text.getValue());
    Truncation truncation =
        switch (text.getTruncation()) {
          case TRUNCATION_UNSPECIFIED, TRUNCATION_ERROR -> Truncation.ERROR;
          case TRUNCATION_END -> Truncation.END;
          case TRUNCATION_START -> Truncation.START;
          case UNRECOGNIZED ->
              throw GatewayException.invalidField(
                  "truncation", text.getTruncationValue(), "a known truncation");
        };
    return new Content.Text(text.getValue(), truncation);
  }

  /// A refusal that a task had for an item, with the field that it is about.
  static GatewayException locate(GatewayException refusal, Item item) {
    boolean located =
        refusal.violations().stream()
            .anyMatch(v -> v.field().startsWith("content") || v.field().equals("id"));
    return located
        ? refusal
        : switch (item.getContent().getKindCase()) {
          case IMAGE ->
              refusal.under(
                  item.getContent().getImage().hasRaw()
                      ? "content.image.raw"
                      : "content.image.content");
          case TEXT -> refusal.under("content.text");
          case KIND_NOT_SET -> refusal.under("content");
        };
  }
}
