package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageFormat;
import org.jspecify.annotations.Nullable;

/// The words in which image files are refused.
final class Refusals {
  private Refusals() {}

  /// A file that does not keep to its format.
  static GatewayException damaged(ImageFormat format, String what, Object value, String expected) {
    return new GatewayException(Reason.IMAGE_DECODE_FAILED, text(format, what, value, expected))
        .with("format", format.name());
  }

  /// As [#damaged], found out by a library.
  static GatewayException undecodable(ImageFormat format, @Nullable Throwable cause) {
    String text = format + ": data that cannot be decoded (expected: a valid file)";
    GatewayException refusal =
        cause == null
            ? new GatewayException(Reason.IMAGE_DECODE_FAILED, text)
            : new GatewayException(Reason.IMAGE_DECODE_FAILED, text, cause);
    return refusal.with("format", format.name());
  }

  /// A file of a known format in a form that is not read.
  static GatewayException unsupported(
      ImageFormat format, String what, Object value, String expected) {
    return new GatewayException(
            Reason.UNSUPPORTED_IMAGE_FORMAT, text(format, what, value, expected))
        .with("format", format.name());
  }

  private static String text(ImageFormat format, String what, Object value, String expected) {
    return "%s: %s: %s (expected: %s)".formatted(format, what, value, expected);
  }
}
