package dev.fovea.image;

import static java.util.Objects.requireNonNull;

/// What an image declares of itself, read without decoding it and within the limits.
///
/// @param format what it is
/// @param width pixels a row as stored, before any orientation is applied
/// @param height rows as stored
/// @param orientation EXIF orientation, 1..8; 1 when it says nothing
/// @param decodedBytes an upper bound on the memory that decoding takes while it works
public record ImageHeader(
    ImageFormat format, int width, int height, int orientation, long decodedBytes) {
  public ImageHeader {
    requireNonNull(format, "format");
  }

  /// Whether orientation exchanges width and height (EXIF 5..8).
  public boolean transposed() {
    return orientation >= 5;
  }
}
