package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;

/// Bounds what a later frame of an animation costs: the decoding of all before it.
final class FrameWork {
  /// As many as 290 frames of 1280×720.
  static final long MOST_PIXELS = 1L << 28;

  /// What a frame costs however small it is: at most 4,096 frames are decoded for one.
  private static final long LEAST_PIXELS_A_FRAME = 1L << 16;

  private long pixels;
  private int frames;

  /// Counts a frame.
  void add(long area) {
    pixels += Math.max(area, LEAST_PIXELS_A_FRAME);
    frames++;
  }

  /// @throws GatewayException with `IMAGE_DIMENSIONS_EXCEEDED` when there is more than one frame
  ///   and all together are too much
  void require() {
    if (frames > 1 && pixels > MOST_PIXELS) {
      throw new GatewayException(
              Reason.IMAGE_DIMENSIONS_EXCEEDED,
              "pixels of %d frames, up to the one asked for: %d (expected: at most %d)"
                  .formatted(frames, pixels, MOST_PIXELS))
          .with("maxPixels", MOST_PIXELS)
          .with("actualPixels", pixels);
    }
  }
}
