package dev.fovea.fake;

import dev.fovea.call.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;

/// A clock that moves when told to.
public final class FakeClock implements Clock {
  private final AtomicLong nanos;

  public FakeClock() {
    this(0);
  }

  public FakeClock(long startNanos) {
    this.nanos = new AtomicLong(startNanos);
  }

  public void advance(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Override
  public long nanoTime() {
    return nanos.get();
  }

  /// Nanoseconds since the epoch, so that both times move together.
  @Override
  public Instant now() {
    return Instant.EPOCH.plusNanos(nanos.get());
  }
}
