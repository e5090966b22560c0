package dev.fovea.admission;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.PixelBudget;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// A bound on the bytes that decoded images take, over all calls. A full budget makes callers wait
/// in order of arrival, until their deadline; an image that needs more than the whole of it is
/// refused at once. A small share, up to one 64th of the whole, is handed out past those who wait
/// for large ones whenever it is there.
public final class ByteBudget implements PixelBudget {
  /// Bytes that one permit stands for: semaphores count in int.
  private static final long UNIT = 1 << 12;

  private static final int SMALL_SHARES = 64;

  private final long bytes;
  private final int units;
  private final Semaphore free;

  /// @param bytes the whole budget, 4 KiB to 8 TiB
  public ByteBudget(long bytes) {
    if (bytes < UNIT || bytes / UNIT > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("bytes: " + bytes + " (expected: 4 KiB to 8 TiB)");
    }
    this.bytes = bytes;
    this.units = (int) (bytes / UNIT);
    this.free = new Semaphore(units, true);
  }

  @Override
  public Share take(long bytes, Deadline deadline) throws InterruptedException {
    long wanted = (bytes + UNIT - 1) / UNIT;
    if (wanted > units) {
      throw new GatewayException(
              Reason.IMAGE_DIMENSIONS_EXCEEDED,
              "decoding takes %d bytes (expected: at most %d)".formatted(bytes, this.bytes))
          .with("maxDecodedBytes", this.bytes);
    }
    if (!isThere((int) wanted)
        && !free.tryAcquire((int) wanted, deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
      throw Deadline.exceeded("memory for the image");
    }
    AtomicBoolean held = new AtomicBoolean(true);
    return () -> {
      if (held.getAndSet(false)) {
        free.release((int) wanted);
      }
    };
  }

  /// Takes a small share out of turn. The number of those who hold one is bounded by that of the
  /// processors, so what large shares wait for does come.
  private boolean isThere(int wanted) {
    return wanted <= units / SMALL_SHARES && free.tryAcquire(wanted);
  }

  /// Bytes that are taken now; for gauges.
  public long taken() {
    return (units - free.availablePermits()) * UNIT;
  }
}
