package dev.fovea.image;

/// What decoded pixels are going to be resized to: with [ImageOptions.Detail#LOW] a decoder may
/// stop at a smaller image that is still at least twice as large on both sides.
///
/// @param width pixels a row of the image as it is shown, > 0
/// @param height its rows, > 0
public record DecodeTarget(int width, int height) {
  /// Every pixel counts.
  public static final DecodeTarget WHOLE = new DecodeTarget(Integer.MAX_VALUE, Integer.MAX_VALUE);

  public DecodeTarget {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "target: %d×%d (expected: at least 1×1)".formatted(width, height));
    }
  }
}
