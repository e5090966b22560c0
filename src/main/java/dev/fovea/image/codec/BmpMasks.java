package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// Which bits of a pixel of 16, 24 or 32 bits are red, green, blue and alpha. Channels of other
/// than eight bits are stretched to 0..255, rounded down, as Pillow does it.
final class BmpMasks {
  private static final int[] FIVE_FIVE_FIVE = {0x7C00, 0x3E0, 0x1F, 0};
  private static final int[] EIGHT = {0xFF0000, 0xFF00, 0xFF, 0};
  private static final int[] EIGHT_WITH_ALPHA = {0xFF0000, 0xFF00, 0xFF, 0xFF << 24};

  private final int[] masks;
  private final int[] shifts = new int[4];

  private BmpMasks(int[] masks) {
    this.masks = masks;
    for (int i = 0; i < 4; i++) {
      shifts[i] = Integer.numberOfTrailingZeros(masks[i]) & 31;
      if (!isOneRun(largest(i)) || Integer.bitCount(masks[i]) > 16) {
        throw Refusals.unsupported(
            ImageFormat.BMP, "bit field", "0x%08X".formatted(masks[i]), "one run of 1..16 bits");
      }
    }
  }

  static BmpMasks of(BmpFile bmp) {
    if (bmp.compression() != BmpFile.BIT_FIELDS) {
      return new BmpMasks(bmp.bits() == 16 ? FIVE_FIVE_FIVE : EIGHT);
    }
    int[] declared = bmp.masks();
    boolean none = (declared[0] | declared[1] | declared[2]) == 0;
    return new BmpMasks(none ? EIGHT_WITH_ALPHA : declared);
  }

  private static boolean isOneRun(long bits) {
    return (bits & bits + 1) == 0;
  }

  private long largest(int channel) {
    return (masks[channel] & 0xFFFF_FFFFL) >> shifts[channel];
  }

  /// The pixel as 0xAARRGGBB.
  int argb(int pixel) {
    int alpha = masks[3] == 0 ? 255 : channel(pixel, 3);
    return alpha << 24 | channel(pixel, 0) << 16 | channel(pixel, 1) << 8 | channel(pixel, 2);
  }

  private int channel(int pixel, int i) {
    int value = (pixel & masks[i]) >>> shifts[i];
    int largest = (int) largest(i);
    return largest == 255 || largest == 0 ? value : value * 255 / largest;
  }
}
