package dev.fovea.rpc;

import dev.fovea.call.Clock;
import java.time.Duration;

/// What holds for every call.
///
/// @param clock measures deadlines
/// @param defaultDeadline how long a call may take that states no deadline
/// @param maxDeadline how long a call may take at most, whatever it states
/// @param trustCallerHeader whether the request header `fovea-caller` is believed; only behind a
///   proxy that sets it
public record CallPolicy(
    Clock clock, Duration defaultDeadline, Duration maxDeadline, boolean trustCallerHeader) {
  public CallPolicy {
    if (!defaultDeadline.isPositive() || maxDeadline.compareTo(defaultDeadline) < 0) {
      throw new IllegalArgumentException(
          "deadlines: default %s, longest %s (expected: 0 < default <= longest)"
              .formatted(defaultDeadline, maxDeadline));
    }
  }
}
