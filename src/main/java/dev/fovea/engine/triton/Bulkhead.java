package dev.fovea.engine.triton;

import dev.fovea.engine.Refusals;
import dev.fovea.model.ServableModel;
import java.util.concurrent.Semaphore;

/// How many requests of one model may be on their way. Full, it refuses at once. Thread-safe.
final class Bulkhead implements AutoCloseable {
  private final ServableModel model;
  private final int queueSize;
  private final int size;
  private final Semaphore places;
  private volatile boolean closed;

  /// @param slots requests that run at once
  /// @param queueSize requests that wait meanwhile
  Bulkhead(ServableModel model, int slots, int queueSize) {
    this.model = model;
    this.queueSize = queueSize;
    this.size = slots + queueSize;
    this.places = new Semaphore(size);
  }

  int queueSize() {
    return queueSize;
  }

  void enter() {
    if (!places.tryAcquire()) {
      throw closed ? Refusals.released(model) : Refusals.queueFull(model, queueSize);
    }
    if (closed) {
      places.release();
      throw Refusals.released(model);
    }
  }

  void leave() {
    places.release();
  }

  boolean closed() {
    return closed;
  }

  /// Lets nobody in any more and waits until all have left.
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      places.acquireUninterruptibly(size);
    }
  }
}
