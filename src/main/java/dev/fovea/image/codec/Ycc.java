package dev.fovea.image.codec;

/// The colours of JPEG: luma and two chroma samples to red, green and blue, in the fixed point of
/// libjpeg (`jdcolor.c`): 16 bits, rounded to the nearest.
final class Ycc {
  private static final int HALF = 1 << 15;
  private static final int RED_OF_CR = 91_881;
  private static final int BLUE_OF_CB = 116_130;
  private static final int GREEN_OF_CR = 46_802;
  private static final int GREEN_OF_CB = 22_554;

  private Ycc() {}

  static int red(int y, int cr) {
    return clip(y + (RED_OF_CR * (cr - 128) + HALF >> 16));
  }

  static int green(int y, int cb, int cr) {
    return clip(y + (HALF - GREEN_OF_CB * (cb - 128) - GREEN_OF_CR * (cr - 128) >> 16));
  }

  static int blue(int y, int cb) {
    return clip(y + (BLUE_OF_CB * (cb - 128) + HALF >> 16));
  }

  private static int clip(int value) {
    return Math.max(0, Math.min(255, value));
  }
}
