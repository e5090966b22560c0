package dev.fovea.image;

/// The largest image that is looked at. Every bound is checked on what the header declares, before
/// memory is taken.
///
/// @param maxBytes bytes of one image as sent
/// @param maxPixels width × height
/// @param maxSide pixels of the longer side
/// @param maxAspect longer side ÷ shorter side
public record ImageLimits(long maxBytes, long maxPixels, int maxSide, int maxAspect) {
  /// 20 MiB, 50 megapixels, sides to 16,384, aspect to 200.
  public static final ImageLimits DEFAULT = new ImageLimits(20L << 20, 50_000_000, 16_384, 200);

  public ImageLimits {
    requirePositive("maxBytes", maxBytes);
    requirePositive("maxPixels", maxPixels);
    requirePositive("maxSide", maxSide);
    requirePositive("maxAspect", maxAspect);
  }

  private static void requirePositive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
    }
  }
}
