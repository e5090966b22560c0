package dev.fovea.image;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;

/// Bounds the memory that decoded images take at any moment, over all calls.
public interface PixelBudget {
  /// Takes a share, waiting for others to give theirs back.
  ///
  /// @param bytes [ImageHeader#decodedBytes]
  /// @throws GatewayException with `DEADLINE_EXCEEDED` when none came free in time, or
  ///   `IMAGE_DIMENSIONS_EXCEEDED` when the image needs more than the whole budget
  Share take(long bytes, Deadline deadline) throws InterruptedException;

  /// A part of the budget, held while the pixels are alive.
  interface Share extends AutoCloseable {
    @Override
    void close();
  }

  /// No bound: for tools and tests.
  static PixelBudget unbounded() {
    return (_, _) -> () -> {};
  }
}
