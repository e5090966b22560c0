package dev.fovea.image.codec;

/// The colours that the samples of a PNG file stand for.
final class PngColours {
  /// No sample is transparent.
  private static final long NONE = -1;

  private static final int OPAQUE = 0xFF << 24;

  private PngColours() {}

  /// The colour of each sample of up to eight bits as 0xAARRGGBB, from the palette or the scale of
  /// greys; entries that a palette lacks are black. Empty for other files.
  static int[] of(PngFile png) {
    if (png.depth() > 8) {
      return new int[0];
    }
    return switch (png.colourType()) {
      case PngFile.PALETTE -> palette(png);
      case PngFile.GREY -> greys(png);
      default -> new int[0];
    };
  }

  private static int[] palette(PngFile png) {
    byte[] entries = png.palette();
    byte[] alpha = png.transparency();
    int[] colours = new int[256];
    for (int i = 0; i < 256; i++) {
      int opacity = i < alpha.length ? (alpha[i] & 0xFF) << 24 : OPAQUE;
      colours[i] = 3 * i + 2 < entries.length ? opacity | rgb(entries, 3 * i) : opacity;
    }
    return colours;
  }

  private static int rgb(byte[] entries, int i) {
    return (entries[i] & 0xFF) << 16 | (entries[i + 1] & 0xFF) << 8 | entries[i + 2] & 0xFF;
  }

  private static int[] greys(PngFile png) {
    int largest = (1 << png.depth()) - 1;
    long transparent = transparentSample(png);
    int[] colours = new int[largest + 1];
    for (int sample = 0; sample <= largest; sample++) {
      int grey = sample * 255 / largest;
      colours[sample] = (sample == transparent ? 0 : OPAQUE) | grey * 0x010101;
    }
    return colours;
  }

  /// The one sample, or red, green and blue sample packed 16 bits each, that tRNS declares
  /// transparent; negative where there is none.
  static long transparentSample(PngFile png) {
    byte[] trns = png.transparency();
    return switch (png.colourType()) {
      case PngFile.GREY -> trns.length >= 2 ? sample(trns, 0) : NONE;
      case PngFile.COLOUR ->
          trns.length >= 6 ? sample(trns, 0) << 32 | sample(trns, 2) << 16 | sample(trns, 4) : NONE;
      default -> NONE;
    };
  }

  private static long sample(byte[] trns, int i) {
    return (trns[i] & 0xFFL) << 8 | trns[i + 1] & 0xFFL;
  }
}
