package dev.fovea.call;

/// Where time comes from. Injected, so that tests drive it; no code of ours asks the system
/// directly.
@FunctionalInterface
public interface Clock {
  /// Nanoseconds from an arbitrary origin, never going back: only differences mean something.
  long nanoTime();

  /// The clock of the machine.
  static Clock system() {
    return System::nanoTime;
  }
}
