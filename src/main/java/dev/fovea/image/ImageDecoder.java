package dev.fovea.image;

import dev.fovea.failure.GatewayException;

/// Turns untrusted bytes into pixels, in two steps: the header tells what decoding would cost, and
/// only then does anyone pay. Never decodes twice. Thread-safe.
public interface ImageDecoder {
  /// Reads what the image declares and refuses it when that is beyond the limits or not understood.
  /// Takes no memory that depends on the image.
  ///
  /// @throws GatewayException with `IMAGE_TOO_LARGE` (bytes), `IMAGE_DIMENSIONS_EXCEEDED` (pixels,
  ///   side, aspect), `UNSUPPORTED_IMAGE_FORMAT`, `IMAGE_DECODE_FAILED` or `INVALID_FIELD`
  ImageHeader readHeader(ImageSource source);

  /// Decodes an image whose header was read by this decoder.
  ///
  /// @throws GatewayException with `IMAGE_DECODE_FAILED` when the data is damaged or not what the
  ///   header declared
  Pixels decode(ImageSource source, ImageHeader header, ImageOptions options);

  /// Which decoders are in use, as one canonical line: the preprocessing digest is made of it, for
  /// two servers that decode differently must not pass for equal.
  String specification();
}
