package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import java.time.Duration;

/// A circuit breaker: after [#THRESHOLD] failures on end it lets nothing through for [#PAUSE], then
/// one call at a time until one succeeds. Thread-safe.
final class Breaker {
  static final int THRESHOLD = 5;
  static final Duration PAUSE = Duration.ofSeconds(1);

  private final Clock clock;
  private int failures;
  private long openedAtNanos;
  private boolean trial;

  Breaker(Clock clock) {
    this.clock = clock;
  }

  /// Whether a call might be made now.
  synchronized boolean wouldAdmit() {
    return failures < THRESHOLD || (!trial && clock.nanoTime() - openedAtNanos >= PAUSE.toNanos());
  }

  /// Whether a call may be made; where one at a time may, this is the one.
  synchronized boolean admits() {
    boolean admitted = wouldAdmit();
    if (admitted && failures == THRESHOLD) {
      trial = true;
    }
    return admitted;
  }

  synchronized void succeeded() {
    failures = 0;
    trial = false;
  }

  synchronized void failed() {
    failures = Math.min(failures + 1, THRESHOLD);
    openedAtNanos = clock.nanoTime();
    trial = false;
  }

  /// A call has ended that tells nothing about the server.
  synchronized void ended() {
    trial = false;
  }
}
