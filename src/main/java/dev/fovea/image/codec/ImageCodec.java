package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// One file format. Stateless; refusals are [dev.fovea.failure.GatewayException]s, and whatever
/// else escapes is taken for a damaged file.
interface ImageCodec {
  ImageFormat format();

  /// Whether these are the first bytes of this format.
  boolean recognises(ByteReader file);

  /// Reads what the file declares; limits are the caller's affair. Takes no memory that depends on
  /// the image.
  ImageHeader readHeader(ByteReader file);

  /// Decodes the pixels as they are stored, before any orientation.
  Pixels decode(ByteReader file, ImageHeader header, Flattening alpha);
}
