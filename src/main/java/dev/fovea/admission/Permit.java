package dev.fovea.admission;

import dev.fovea.call.Caller;
import java.util.concurrent.atomic.AtomicBoolean;

/// Leave for a call's items to be under way. Closed once, when the call ends.
public final class Permit implements AutoCloseable {
  private final Limiter limiter;
  private final Caller caller;
  private final int items;
  private final AtomicBoolean closed = new AtomicBoolean();

  Permit(Limiter limiter, Caller caller, int items) {
    this.limiter = limiter;
    this.caller = caller;
    this.items = items;
  }

  @Override
  public void close() {
    if (!closed.getAndSet(true)) {
      limiter.release(caller, items);
    }
  }
}
