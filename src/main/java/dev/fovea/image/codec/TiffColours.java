package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// What the samples of a TIFF page look like.
final class TiffColours {
  private static final int OPAQUE = 255;

  private final TiffLayout layout;
  private final Flattening alpha;

  /// The colour of every first sample as 0xRRGGBB, where one sample is a colour.
  private final int[] table;

  private TiffColours(TiffLayout layout, Flattening alpha, int[] table) {
    this.layout = layout;
    this.alpha = alpha;
    this.table = table;
  }

  static TiffColours of(TiffDirectory page, TiffLayout layout, Flattening alpha) {
    int[] table =
        switch (layout.colours()) {
          case WHITE_IS_ZERO -> greys(layout, layout.bits() < 16);
          case BLACK_IS_ZERO -> greys(layout, false);
          case PALETTE -> palette(page, layout);
          case RGB, CMYK -> new int[0];
        };
    return new TiffColours(layout, alpha, table);
  }

  private static int[] greys(TiffLayout layout, boolean inverted) {
    int most = (1 << Math.min(8, layout.bits())) - 1;
    int[] greys = new int[most + 1];
    for (int sample = 0; sample <= most; sample++) {
      int grey = (inverted ? most - sample : sample) * 255 / most;
      greys[sample] = grey * 0x010101;
    }
    return greys;
  }

  /// All reds, then all greens, then all blues, of 16 bits.
  private static int[] palette(TiffDirectory page, TiffLayout layout) {
    int entries = page.count(TiffDirectory.COLOUR_MAP) / 3;
    if (entries == 0) {
      throw Refusals.damaged(ImageFormat.TIFF, "palette", "missing", "one");
    }
    int[] palette = new int[1 << layout.bits()];
    for (int i = 0; i < palette.length && i < entries; i++) {
      for (int channel = 0; channel < 3; channel++) {
        int value = (int) page.at(TiffDirectory.COLOUR_MAP, channel * entries + i) >> 8 & 0xFF;
        palette[i] = palette[i] << 8 | value;
      }
    }
    return palette;
  }

  /// Red, green and blue of every pixel; may be the same array.
  byte[] toRgb(byte[] samples) {
    int channels = layout.channels();
    if (layout.colours() == TiffLayout.Colours.RGB && channels == 3) {
      return samples;
    }
    byte[] rgb = new byte[samples.length / channels * 3];
    for (int from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
      int opacity = layout.alpha() ? samples[from + channels - 1] & 0xFF : OPAQUE;
      switch (layout.colours()) {
        case WHITE_IS_ZERO, BLACK_IS_ZERO, PALETTE ->
            alpha.put(rgb, to, opacity << 24 | table[samples[from] & 0xFF]);
        case RGB -> putColour(samples, from, opacity, rgb, to);
        case CMYK -> Cmyk.put(samples, from, rgb, to);
      }
    }
    return rgb;
  }

  private void putColour(byte[] samples, int from, int opacity, byte[] rgb, int to) {
    int red = samples[from] & 0xFF;
    int green = samples[from + 1] & 0xFF;
    int blue = samples[from + 2] & 0xFF;
    if (layout.extra() == TiffLayout.PREMULTIPLIED_ALPHA) {
      red = divided(red, opacity);
      green = divided(green, opacity);
      blue = divided(blue, opacity);
    }
    alpha.put(rgb, to, red, green, blue, opacity);
  }

  private static int divided(int colour, int opacity) {
    return opacity == 0 ? 0 : Math.min(255, colour * 255 / opacity);
  }
}
