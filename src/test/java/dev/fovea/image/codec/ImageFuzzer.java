package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/// What holds for every file whatsoever: it is refused in our own words or it becomes pixels of the
/// size that its header declared, in memory that its header declared. Jazzer calls
/// [#fuzzerTestOneInput]; `./fovea fuzz images` starts it.
public final class ImageFuzzer {
  /// Small, so that a file costs milliseconds.
  private static final ImageLimits LIMITS = new ImageLimits(1 << 20, 1 << 18, 1 << 12, 1 << 12);

  private static final Set<Reason> REFUSALS =
      Set.of(
          Reason.IMAGE_DECODE_FAILED,
          Reason.UNSUPPORTED_IMAGE_FORMAT,
          Reason.IMAGE_DIMENSIONS_EXCEEDED,
          Reason.IMAGE_TOO_LARGE,
          Reason.INVALID_FIELD);

  /// Tables and objects that do not depend on the image.
  private static final long FIXED_BYTES = 4 << 20;

  private static final DecodeTarget TARGET = new DecodeTarget(8, 8);

  private static final List<SniffingDecoder> DECODERS =
      TurboJpeg.load() instanceof Native.Present<TurboJpeg>
          ? List.of(new SniffingDecoder(LIMITS), new SniffingDecoder(LIMITS, JpegDecoding.NATIVE))
          : List.of(new SniffingDecoder(LIMITS));

  private static final List<ImageOptions> OPTIONS =
      List.of(
          ImageOptions.DEFAULT,
          new ImageOptions(true, OptionalInt.of(0x1EA0DC), 1, ImageOptions.Detail.AUTO),
          new ImageOptions(false, OptionalInt.empty(), 2, ImageOptions.Detail.LOW));

  private ImageFuzzer() {}

  public static void fuzzerTestOneInput(byte[] file) {
    for (SniffingDecoder decoder : DECODERS) {
      for (ImageOptions options : OPTIONS) {
        decode(decoder, file, options);
      }
    }
  }

  private static void decode(SniffingDecoder decoder, byte[] file, ImageOptions options) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file));
    try {
      ImageHeader header = decoder.readHeader(source, options);
      requireBound(() -> decoder.decode(source, header, options, TARGET), header);
      requireSize(decoder.decode(source, header, options, TARGET), header, options);
    } catch (GatewayException refusal) {
      requireOurOwn(refusal);
    }
  }

  /// The first time may load classes.
  private static void requireBound(Runnable decoding, ImageHeader header) {
    long most = header.decodedBytes() + FIXED_BYTES;
    if (AllocatedBytes.during(decoding) > most) {
      long allocated = AllocatedBytes.during(decoding);
      if (allocated > most) {
        throw new AssertionError(allocated + " bytes allocated of " + header);
      }
    }
  }

  private static void requireSize(Pixels pixels, ImageHeader header, ImageOptions options) {
    boolean whole =
        pixels.width() == header.shownWidth(options)
            && pixels.height() == header.shownHeight(options);
    if (!whole && options.detail() != ImageOptions.Detail.LOW) {
      throw new AssertionError(pixels + " of " + header);
    }
  }

  /// A refusal with its reason; behind it no slip of our own code. Those of the JDK's readers are
  /// theirs.
  private static void requireOurOwn(GatewayException refusal) {
    if (!REFUSALS.contains(refusal.reason())) {
      throw new AssertionError("reason: " + refusal.reason(), refusal);
    }
    if (refusal.getCause() instanceof RuntimeException slip && !isOfJdk(slip)) {
      throw new AssertionError("slip: " + slip, slip);
    }
  }

  private static boolean isOfJdk(RuntimeException slip) {
    for (StackTraceElement frame : slip.getStackTrace()) {
      if (frame.getClassName().matches("(com\\.sun|javax)\\.imageio\\..*|java\\.awt\\..*")) {
        return true;
      }
    }
    return false;
  }
}
