package dev.fovea.image;

/// A part of an image, in its pixels.
///
/// @param left pixels to the left of it, 0 or more
/// @param top rows above it, 0 or more
/// @param width pixels a row, 1 or more
/// @param height rows, 1 or more
public record PixelBox(int left, int top, int width, int height) {
  public PixelBox {
    if (left < 0 || top < 0 || width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "box: %d×%d at %d, %d (expected: 1×1 or more at 0, 0 or more)"
              .formatted(width, height, left, top));
    }
  }

  /// Whether this is the whole of an image of that size.
  public boolean isWhole(int imageWidth, int imageHeight) {
    return width == imageWidth && height == imageHeight;
  }
}
