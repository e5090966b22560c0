package dev.fovea.admission;

import dev.fovea.call.Caller;

/// Leave for a call's items to be under way. Closed when the call ends; closing it again does
/// nothing. Its state is guarded by the limiter that gave it.
public final class Permit implements AutoCloseable {
  private final Limiter limiter;
  private final Caller caller;
  private final long sinceNanos;
  private int items;
  private boolean over;

  Permit(Limiter limiter, Caller caller, long sinceNanos) {
    this.limiter = limiter;
    this.caller = caller;
    this.sinceNanos = sinceNanos;
  }

  Caller caller() {
    return caller;
  }

  long sinceNanos() {
    return sinceNanos;
  }

  int items() {
    return items;
  }

  void counts(int items) {
    this.items = items;
  }

  boolean isOver() {
    return over;
  }

  void end() {
    over = true;
  }

  @Override
  public void close() {
    limiter.release(this);
  }
}
