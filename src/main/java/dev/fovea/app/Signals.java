package dev.fovea.app;

import java.util.concurrent.atomic.AtomicBoolean;
import sun.misc.Signal;

/// What the process does when it is told to end (SIGTERM, or Ctrl-C).
///
/// The JVM's own way runs every shutdown hook at once, and ends when they do: the inference
/// runtime's hook would pull the ground from under calls that may still finish. So the first signal
/// only starts the drain, on the program's own thread, and hooks run after it; a second one ends
/// the process on the spot.
final class Signals {
  private static final int SIGNALLED = 128;

  private Signals() {}

  /// @param end starts the orderly end; must not block
  static void onEnd(Runnable end) {
    AtomicBoolean told = new AtomicBoolean();
    for (String name : new String[] {"TERM", "INT"}) {
      Signal.handle(
          new Signal(name),
          signal -> {
            if (told.getAndSet(true)) {
              Runtime.getRuntime().halt(SIGNALLED + signal.getNumber());
            }
            end.run();
          });
    }
  }
}
