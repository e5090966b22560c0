package dev.fovea.image;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;

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

  /// As many as one array of red-green-blue bytes can hold.
  private static final long MOST_PIXELS = (Integer.MAX_VALUE - 8) / 3;

  public ImageLimits {
    requirePositive("maxBytes", maxBytes);
    requirePositive("maxPixels", maxPixels);
    if (maxPixels > MOST_PIXELS) {
      throw new IllegalArgumentException(
          "maxPixels: " + maxPixels + " (expected: at most " + MOST_PIXELS + ")");
    }
    requirePositive("maxSide", maxSide);
    requirePositive("maxAspect", maxAspect);
  }

  /// @throws GatewayException with `IMAGE_TOO_LARGE` when an image has more bytes than allowed
  public void requireBytes(long bytes) {
    if (bytes > maxBytes) {
      throw new GatewayException(
              Reason.IMAGE_TOO_LARGE, expectation("image", bytes + " bytes", maxBytes))
          .with("maxBytes", maxBytes)
          .with("actualBytes", bytes);
    }
  }

  /// @param width pixels a row, > 0
  /// @param height rows, > 0
  /// @throws GatewayException with `IMAGE_DIMENSIONS_EXCEEDED` when an image has more pixels, or a
  ///   longer side, or is longer and narrower, than allowed
  public void requireDimensions(int width, int height) {
    long pixels = (long) width * height;
    int longer = Math.max(width, height);
    int shorter = Math.min(width, height);
    if (longer > maxSide) {
      throw exceeded(expectation("longer side", longer, maxSide), width, height)
          .with("maxSide", maxSide);
    }
    if (pixels > maxPixels) {
      throw exceeded(expectation("pixels", pixels, maxPixels), width, height)
          .with("maxPixels", maxPixels)
          .with("actualPixels", pixels);
    }
    if (longer > (long) maxAspect * shorter) {
      String sides = longer + ":" + shorter;
      throw exceeded(expectation("sides", sides, maxAspect + ":1"), width, height)
          .with("maxAspect", maxAspect);
    }
  }

  private static GatewayException exceeded(String text, int width, int height) {
    return new GatewayException(Reason.IMAGE_DIMENSIONS_EXCEEDED, text)
        .with("width", width)
        .with("height", height);
  }

  private static String expectation(String name, Object value, Object most) {
    return name + ": " + value + " (expected: at most " + most + ")";
  }

  private static void requirePositive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
    }
  }
}
