package dev.fovea.image.codec;

/// Inks to colours by Pillow's formula: what an ink covers, of what black leaves.
final class Cmyk {
  private Cmyk() {}

  /// Writes the colour of four inks, 255 of each covering all.
  static void put(byte[] cmyk, int from, byte[] rgb, int to) {
    int white = 255 - (cmyk[from + 3] & 0xFF);
    for (int ink = 0; ink < 3; ink++) {
      int cover = cmyk[from + ink] & 0xFF;
      rgb[to + ink] = (byte) Math.max(0, white - Flattening.divideBy255(cover * white));
    }
  }

  /// The colours of inks as Adobe's JPEG files have them: 0 of each covering all.
  static byte[] toRgbInverted(byte[] cmyk) {
    byte[] rgb = new byte[cmyk.length / 4 * 3];
    for (int from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      int white = cmyk[from + 3] & 0xFF;
      for (int ink = 0; ink < 3; ink++) {
        int cover = 255 - (cmyk[from + ink] & 0xFF);
        rgb[to + ink] = (byte) (white - Flattening.divideBy255(cover * white));
      }
    }
    return rgb;
  }
}
