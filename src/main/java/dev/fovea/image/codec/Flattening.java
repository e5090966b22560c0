package dev.fovea.image.codec;

import java.util.OptionalInt;

/// How pixels with alpha become pixels without: alpha is dropped, as the reference processors do,
/// or the pixel is laid over a background with the arithmetic of `PIL.Image.paste` with a mask.
final class Flattening {
  private final boolean dropsAlpha;
  private final int red;
  private final int green;
  private final int blue;

  private Flattening(boolean dropsAlpha, int background) {
    this.dropsAlpha = dropsAlpha;
    this.red = background >> 16 & 0xFF;
    this.green = background >> 8 & 0xFF;
    this.blue = background & 0xFF;
  }

  /// @param background 0xRRGGBB
  static Flattening over(OptionalInt background) {
    return new Flattening(background.isEmpty(), background.orElse(0));
  }

  /// Whether alpha makes no difference.
  boolean dropsAlpha() {
    return dropsAlpha;
  }

  /// Writes one pixel, each channel in 0..255, at `rgb[at]`.
  void put(byte[] rgb, int at, int red, int green, int blue, int alpha) {
    rgb[at] = (byte) over(this.red, red, alpha);
    rgb[at + 1] = (byte) over(this.green, green, alpha);
    rgb[at + 2] = (byte) over(this.blue, blue, alpha);
  }

  /// As [#put], of a pixel packed as 0xAARRGGBB.
  void put(byte[] rgb, int at, int argb) {
    put(rgb, at, argb >> 16 & 0xFF, argb >> 8 & 0xFF, argb & 0xFF, argb >>> 24);
  }

  private int over(int below, int above, int alpha) {
    return dropsAlpha ? above : divideBy255(below * (255 - alpha) + above * alpha);
  }

  /// Rounded to the nearest, exact for 0..65025.
  static int divideBy255(int product) {
    int biased = product + 128;
    return (biased >> 8) + biased >> 8;
  }
}
