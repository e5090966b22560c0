package dev.fovea.cache;

import java.nio.ByteBuffer;
import java.time.Instant;

/// An image that a caller has uploaded, as it came.
///
/// @param handle stands for it, for this caller alone
/// @param bytes the whole file, read-only, to be read with absolute indices: all who use the image
///   share it
/// @param expireTime when it is forgotten
public record UploadedImage(String handle, ByteBuffer bytes, Instant expireTime) {
  /// Says what it is, not what it holds: the handle is for its caller alone.
  @Override
  public String toString() {
    return "image of " + bytes.remaining() + " bytes until " + expireTime;
  }
}
