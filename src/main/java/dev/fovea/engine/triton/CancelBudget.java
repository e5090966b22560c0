package dev.fovea.engine.triton;

import dev.fovea.call.Clock;

/// How many cancellations are sent to a server: [#PER_SECOND], with as many saved up. A flood of
/// clients that leave must not become a flood of resets. Thread-safe.
final class CancelBudget {
  static final int PER_SECOND = 100;
  private static final long NANOS_EACH = 1_000_000_000L / PER_SECOND;

  private final Clock clock;
  private long spentUntilNanos;

  CancelBudget(Clock clock) {
    this.clock = clock;
    this.spentUntilNanos = clock.nanoTime() - PER_SECOND * NANOS_EACH;
  }

  synchronized boolean spend() {
    long now = clock.nanoTime();
    long from = Math.max(spentUntilNanos, now - PER_SECOND * NANOS_EACH);
    if (from + NANOS_EACH > now) {
      return false;
    }
    spentUntilNanos = from + NANOS_EACH;
    return true;
  }
}
