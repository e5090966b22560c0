package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;

/// Bounds what a later frame of an animation costs: the decoding of all before it.
final class FrameWork {
  /// As many as 290 frames of 1280×720.
  static final long MOST_PIXELS = 1L << 28;

  private FrameWork() {}

  /// @param pixels those of the frame and of all before it
  /// @throws GatewayException with `IMAGE_DIMENSIONS_EXCEEDED` when they are too many
  static void require(long pixels) {
    if (pixels > MOST_PIXELS) {
      throw new GatewayException(
              Reason.IMAGE_DIMENSIONS_EXCEEDED,
              "pixels of the frame and those before it: %d (expected: at most %d)"
                  .formatted(pixels, MOST_PIXELS))
          .with("maxPixels", MOST_PIXELS)
          .with("actualPixels", pixels);
    }
  }
}
