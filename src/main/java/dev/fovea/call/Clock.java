package dev.fovea.call;

import java.time.Instant;

/// Where time comes from. Injected, so that tests drive it; no code of ours asks the system
/// directly.
@FunctionalInterface
public interface Clock {
  /// Nanoseconds from an arbitrary origin, never going back: only differences mean something.
  long nanoTime();

  /// The moment on the calendar, for people and other machines to read. Never to measure by: it
  /// jumps when the machine's clock is set.
  default Instant now() {
    return Instant.now();
  }

  /// The clock of the machine.
  static Clock system() {
    return System::nanoTime;
  }
}
