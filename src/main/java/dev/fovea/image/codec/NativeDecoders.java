package dev.fovea.image.codec;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;

/// The codecs that lean on libraries of the machine: looked for once, checked, and left out with a
/// warning when they give other pixels than they should.
final class NativeDecoders {
  private static final Logger LOG = System.getLogger(NativeDecoders.class.getName());
  private static final String JPEG_SETTING = "fovea.image.jpeg-decoder";

  private NativeDecoders() {}

  /// @throws FaultyConfigurationException when [JpegDecoding#NATIVE] is asked of a machine that
  ///   cannot do it
  static JpegCodec jpeg(JpegDecoding decoding) {
    return decoding == JpegDecoding.JAVA
        ? new JpegCodec(decoding, Optional.empty())
        : jpeg(decoding, Turbo.FOUND);
  }

  static JpegCodec jpeg(JpegDecoding decoding, Native<TurboJpeg> turboJpeg) {
    return switch (turboJpeg) {
      case Native.Present<TurboJpeg>(TurboJpeg turbo) ->
          new JpegCodec(decoding, Optional.of(turbo));
      case Native.Missing<TurboJpeg>(String reason) -> {
        if (decoding == JpegDecoding.NATIVE) {
          throw new FaultyConfigurationException(
              new Fault(JPEG_SETTING, "", "native", "auto or java, for " + reason));
        }
        yield new JpegCodec(JpegDecoding.JAVA, Optional.empty());
      }
    };
  }

  static WebPCodec webp() {
    return WebP.CODEC;
  }

  /// Looked for by the first who asks.
  private static final class Turbo {
    static final Native<TurboJpeg> FOUND = find();

    private static Native<TurboJpeg> find() {
      Native<TurboJpeg> found = TurboJpeg.load();
      return found instanceof Native.Present<TurboJpeg>(TurboJpeg turbo)
          ? checked(turbo, new JpegCodec(JpegDecoding.NATIVE, Optional.of(turbo)))
          : found;
    }
  }

  /// As [Turbo].
  private static final class WebP {
    static final WebPCodec CODEC = find();

    private static WebPCodec find() {
      Native<WebPLibrary> found = WebPLibrary.load();
      if (found instanceof Native.Present<WebPLibrary>(WebPLibrary library)) {
        found = checked(library, new WebPCodec(found));
      }
      if (found instanceof Native.Missing<WebPLibrary>(String reason)) {
        LOG.log(Level.WARNING, "WebP images are refused: " + reason);
      }
      return new WebPCodec(found);
    }
  }

  /// The library, unless the codec that uses it fails the check.
  static <T> Native<T> checked(T library, ImageCodec codec) {
    Optional<String> fault;
    try {
      fault = DecoderCheck.faultOf(codec);
    } catch (RuntimeException e) {
      fault = Optional.of(String.valueOf(e.getMessage()));
    }
    if (fault.isEmpty()) {
      return new Native.Present<>(library);
    }
    String reason = "the check of " + codec.format() + " failed: " + fault.get();
    LOG.log(Level.WARNING, "a native decoder is switched off, " + reason);
    return new Native.Missing<>(reason);
  }
}
