package dev.fovea.rpc;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Tells the calls that live long that the server is about to end, so that they end in order.
/// Thread-safe.
public final class Drain {
  private final Set<Runnable> calls = ConcurrentHashMap.newKeySet();
  private volatile boolean begun;

  /// A call that is told; to be closed when it ends.
  interface Notice extends AutoCloseable {
    @Override
    void close();
  }

  /// Tells every call that lives, and each that begins from now on.
  public void begin() {
    begun = true;
    calls.forEach(Runnable::run);
  }

  /// @param ending run when the drain begins, at once when it has begun; perhaps twice
  Notice tell(Runnable ending) {
    calls.add(ending);
    if (begun) {
      ending.run();
    }
    return () -> calls.remove(ending);
  }

  /// Calls that are told; for gauges.
  public int calls() {
    return calls.size();
  }
}
