package dev.fovea.image;

import static java.util.Objects.requireNonNull;

/// A decoded image: upright, 8 bits a channel, red-green-blue interleaved, rows top down without
/// gaps.
///
/// The array belongs to whoever holds the pixels; readers must not write.
///
/// @param width pixels a row
/// @param height rows
/// @param rgb width × height × 3 bytes
public record Pixels(int width, int height, byte[] rgb) {
  public Pixels {
    requireNonNull(rgb, "rgb");
    if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          "rgb: %d bytes (expected: 3 × %d × %d)".formatted(rgb.length, width, height));
    }
  }

  /// A part of this image as an image of its own; this one itself where the part is all of it.
  public Pixels part(PixelBox box) {
    if (box.isWhole(width, height)) {
      return this;
    }
    byte[] part = new byte[3 * box.width() * box.height()];
    for (int y = 0; y < box.height(); y++) {
      int from = 3 * ((box.top() + y) * width + box.left());
      System.arraycopy(rgb, from, part, 3 * y * box.width(), 3 * box.width());
    }
    return new Pixels(box.width(), box.height(), part);
  }

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return width + "×" + height + " RGB";
  }
}
