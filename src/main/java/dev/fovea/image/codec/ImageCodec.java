package dev.fovea.image.codec;

import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// One file format. Stateless; refusals are [dev.fovea.failure.GatewayException]s, and whatever
/// else escapes is taken for a damaged file.
interface ImageCodec {
  /// What is wanted of a file.
  ///
  /// @param frame which of its frames, from 0; the header was read for the same one
  /// @param alpha what becomes of transparency
  /// @param target what the stored pixels will be resized to, before any orientation: a codec may
  ///   give fewer than the header says, at least twice as many on both sides
  record Request(int frame, Flattening alpha, DecodeTarget target) {}

  ImageFormat format();

  /// Whether these are the first bytes of this format.
  boolean recognises(ByteReader file);

  /// Reads what the file declares of a frame; limits are the caller's affair. Takes no memory that
  /// depends on the image.
  ///
  /// @param frame from 0; where the file has no such frame the header is that of the last one
  ImageHeader readHeader(ByteReader file, int frame);

  /// Decodes the pixels as they are stored, before any orientation.
  Pixels decode(ByteReader file, ImageHeader header, Request request);

  /// Which decoder is in use, as a part of [dev.fovea.image.ImageDecoder#specification].
  default String specification() {
    return "fovea";
  }
}
