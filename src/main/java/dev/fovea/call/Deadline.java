package dev.fovea.call;

import static java.util.Objects.requireNonNull;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.time.Duration;

/// The moment after which nobody waits for the answer any more. One value from the call to the
/// engine; each step asks it before it starts, so work that can no longer be used is never begun.
///
/// @param clock what the moment is measured by
/// @param atNanos the moment, in the clock's nanoseconds
public record Deadline(Clock clock, long atNanos) {
  public Deadline {
    requireNonNull(clock, "clock");
  }

  public static Deadline after(Clock clock, Duration time) {
    return new Deadline(clock, clock.nanoTime() + time.toNanos());
  }

  /// Nanoseconds left; zero or less once the moment has passed.
  public long remainingNanos() {
    return atNanos - clock.nanoTime();
  }

  public boolean expired() {
    return remainingNanos() <= 0;
  }

  /// Refuses to go on when the moment has passed.
  ///
  /// @param step what was about to begin, for the message
  /// @throws GatewayException with [Reason#DEADLINE_EXCEEDED]
  public void check(String step) {
    if (expired()) {
      throw exceeded(step);
    }
  }

  /// The refusal that says that time ran out before `step`.
  public static GatewayException exceeded(String step) {
    return new GatewayException(Reason.DEADLINE_EXCEEDED, "the deadline passed before: " + step)
        .with("step", step);
  }
}
