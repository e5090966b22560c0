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

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return width + "×" + height + " RGB";
  }
}
