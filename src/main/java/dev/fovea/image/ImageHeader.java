package dev.fovea.image;

import static java.util.Objects.requireNonNull;

/// What an image declares of itself, read without decoding it and within the limits.
///
/// @param format what it is
/// @param width pixels a row as stored, before any orientation is applied; of an animation, those
///   of the frame that was asked for
/// @param height rows as stored
/// @param orientation EXIF orientation, 1..8; 1 when it says nothing
/// @param frames frames that can be asked for, at least 1; 1 where the format has no more or
///   telling would cost a decoding
/// @param decodedBytes an upper bound on the memory that decoding takes while it works
public record ImageHeader(
    ImageFormat format, int width, int height, int orientation, int frames, long decodedBytes) {
  public ImageHeader {
    requireNonNull(format, "format");
    if (frames < 1) {
      throw new IllegalArgumentException("frames: " + frames + " (expected: >= 1)");
    }
  }

  /// Whether orientation exchanges width and height (EXIF 5..8).
  public boolean transposed() {
    return orientation >= 5;
  }

  /// Pixels a row of the image as `options` show it, whatever detail they ask for.
  public int shownWidth(ImageOptions options) {
    return options.applyOrientation() && transposed() ? height : width;
  }

  /// Rows of the image as `options` show it.
  public int shownHeight(ImageOptions options) {
    return options.applyOrientation() && transposed() ? width : height;
  }
}
