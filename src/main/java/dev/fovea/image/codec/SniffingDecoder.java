package dev.fovea.image.codec;

import static java.util.Objects.requireNonNull;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// Decodes images of every format that is built in, told apart by their first bytes.
public final class SniffingDecoder implements ImageDecoder {
  private static final int QUOTED_BYTES = 8;

  private final ImageLimits limits;
  private final List<ImageCodec> codecs;

  /// A decoder that leaves JPEG to the JDK.
  public SniffingDecoder(ImageLimits limits) {
    this(limits, JpegDecoding.JAVA);
  }

  /// Looks for native libraries and checks them.
  ///
  /// @throws dev.fovea.failure.FaultyConfigurationException when [JpegDecoding#NATIVE] is asked of
  ///   a machine that cannot do it
  public SniffingDecoder(ImageLimits limits, JpegDecoding jpeg) {
    this.limits = requireNonNull(limits, "limits");
    this.codecs =
        List.of(
            NativeDecoders.jpeg(jpeg),
            new PngCodec(),
            new GifCodec(),
            new BmpCodec(),
            new TiffCodec(),
            NativeDecoders.webp());
  }

  @Override
  public ImageHeader readHeader(ImageSource source, ImageOptions options) {
    ImageHeader header =
        switch (source) {
          case ImageSource.Encoded(ByteBuffer bytes) -> {
            limits.requireBytes(bytes.remaining());
            ImageCodec codec = codecOf(bytes);
            int frame = options.frameIndex();
            yield guarded(codec, () -> codec.readHeader(reader(codec, bytes), frame));
          }
          case ImageSource.Raw raw -> {
            limits.requireBytes(raw.bytes().remaining());
            yield RawPixels.readHeader(raw);
          }
        };
    limits.requireDimensions(header.width(), header.height());
    requireFrame(options.frameIndex(), header.frames());
    return header.orientation() == Exif.UPRIGHT ? header : withTurning(header);
  }

  private static void requireFrame(int index, int frames) {
    if (index >= frames) {
      throw GatewayException.invalidField(
          "frame_index", index, "0 to " + (frames - 1) + ", as the image has frames");
    }
  }

  /// Turning an image takes a second one.
  private static ImageHeader withTurning(ImageHeader header) {
    return new ImageHeader(
        header.format(),
        header.width(),
        header.height(),
        header.orientation(),
        header.frames(),
        header.decodedBytes() + 3L * header.width() * header.height());
  }

  @Override
  public Pixels decode(
      ImageSource source, ImageHeader header, ImageOptions options, DecodeTarget target) {
    Flattening alpha = Flattening.over(options.alphaBackground());
    Pixels stored =
        switch (source) {
          case ImageSource.Encoded(ByteBuffer bytes) -> {
            ImageCodec codec = codecOf(bytes);
            ImageCodec.Request request =
                new ImageCodec.Request(
                    options.frameIndex(), alpha, stored(target, header, options));
            yield guarded(codec, () -> codec.decode(reader(codec, bytes), header, request));
          }
          case ImageSource.Raw raw -> RawPixels.decode(raw, alpha);
        };
    return options.applyOrientation() ? Orientation.upright(stored, header.orientation()) : stored;
  }

  /// The target in the axes of the stored pixels; all of them unless less will do.
  private static DecodeTarget stored(
      DecodeTarget target, ImageHeader header, ImageOptions options) {
    if (options.detail() != ImageOptions.Detail.LOW) {
      return DecodeTarget.WHOLE;
    }
    return options.applyOrientation() && header.transposed()
        ? new DecodeTarget(target.height(), target.width())
        : target;
  }

  private static ByteReader reader(ImageCodec codec, ByteBuffer bytes) {
    return ByteReader.of(codec.format(), bytes);
  }

  private ImageCodec codecOf(ByteBuffer bytes) {
    if (!bytes.hasRemaining()) {
      throw new GatewayException(
          Reason.IMAGE_DECODE_FAILED, "image: 0 bytes (expected: an image file)");
    }
    for (ImageCodec codec : codecs) {
      if (codec.recognises(reader(codec, bytes))) {
        return codec;
      }
    }
    throw new GatewayException(
        Reason.UNSUPPORTED_IMAGE_FORMAT,
        "first bytes: %s (expected: those of %s)".formatted(firstBytes(bytes), known()));
  }

  private String known() {
    return codecs.stream().map(codec -> codec.format().name()).collect(Collectors.joining(", "));
  }

  private static String firstBytes(ByteBuffer bytes) {
    byte[] first = new byte[Math.min(QUOTED_BYTES, bytes.remaining())];
    bytes.get(bytes.position(), first);
    return HexFormat.ofDelimiter(" ").withUpperCase().formatHex(first);
  }

  /// What a codec trips over is a damaged file: of what it is told nothing can be trusted.
  private static <T> T guarded(ImageCodec codec, Supplier<T> step) {
    try {
      return step.get();
    } catch (GatewayException refusal) {
      throw refusal;
    } catch (RuntimeException | StackOverflowError e) {
      throw Refusals.undecodable(codec.format(), e);
    }
  }

  @Override
  public String specification() {
    return codecs.stream()
        .map(codec -> codec.format().name().toLowerCase(Locale.ROOT) + "=" + codec.specification())
        .collect(Collectors.joining(" "));
  }
}
