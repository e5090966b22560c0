package dev.fovea.image;

import dev.fovea.failure.GatewayException;

/// Turns untrusted bytes into pixels, in two steps: the header tells what decoding would cost, and
/// only then does anyone pay. Never decodes twice. Thread-safe.
public interface ImageDecoder {
  /// Reads what the image declares and refuses it when that is beyond the limits or not understood.
  /// Takes no memory that depends on the image.
  ///
  /// @param options what will be asked of the decoding: which frame the header tells of
  /// @throws GatewayException with `IMAGE_TOO_LARGE` (bytes), `IMAGE_DIMENSIONS_EXCEEDED` (pixels,
  ///   side, aspect), `UNSUPPORTED_IMAGE_FORMAT`, `IMAGE_DECODE_FAILED` or `INVALID_FIELD` (a frame
  ///   that the file does not have, a raw image that contradicts itself)
  ImageHeader readHeader(ImageSource source, ImageOptions options);

  /// As [#readHeader(ImageSource, ImageOptions)] with the options that hold when none are given.
  default ImageHeader readHeader(ImageSource source) {
    return readHeader(source, ImageOptions.DEFAULT);
  }

  /// Decodes an image whose header was read by this decoder with the same options.
  ///
  /// @param target what the pixels are going to be resized to; looked at only with
  ///   [ImageOptions.Detail#LOW], when the result may be smaller than the header says
  /// @throws GatewayException with `IMAGE_DECODE_FAILED` when the data is damaged or not what the
  ///   header declared
  Pixels decode(ImageSource source, ImageHeader header, ImageOptions options, DecodeTarget target);

  /// As [#decode(ImageSource, ImageHeader, ImageOptions, DecodeTarget)] with every pixel.
  default Pixels decode(ImageSource source, ImageHeader header, ImageOptions options) {
    return decode(source, header, options, DecodeTarget.WHOLE);
  }

  /// Which decoders are in use, as one canonical line: the preprocessing digest is made of it, for
  /// two servers that decode differently must not pass for equal.
  String specification();
}
