package dev.fovea.engine;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.Stage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// How many sequences of a model are under way: as many as there is room for. Others wait for their
/// first step, in order, and when too many do they are refused. Thread-safe.
public final class SequenceSlots {
  private final ServableModel model;
  private final Clock clock;
  private final int slots;
  private final int maxWaiting;
  private final Semaphore free;
  private final AtomicInteger waiting = new AtomicInteger();

  /// @param slots sequences at once
  /// @param maxWaiting sequences that may wait for one
  public SequenceSlots(ServableModel model, Clock clock, int slots, int maxWaiting) {
    this.model = model;
    this.clock = clock;
    this.slots = slots;
    this.maxWaiting = maxWaiting;
    this.free = new Semaphore(slots, true);
  }

  /// Takes one, at the latest at the request's deadline; the time goes to the queue's.
  ///
  /// @throws GatewayException with `QUEUE_FULL` or `DEADLINE_EXCEEDED`
  public void take(InferRequest request) throws InterruptedException {
    if (free.tryAcquire()) {
      return;
    }
    long start = clock.nanoTime();
    if (waiting.incrementAndGet() > maxWaiting) {
      waiting.decrementAndGet();
      throw Refusals.queueFull(model, maxWaiting);
    }
    try {
      if (!free.tryAcquire(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS)) {
        throw Deadline.exceeded("the model's answer");
      }
    } finally {
      waiting.decrementAndGet();
      request.timings().add(Stage.QUEUE, clock.nanoTime() - start);
    }
  }

  /// Takes one if it is there.
  ///
  /// @throws GatewayException with `QUEUE_FULL`
  public void takeNow() {
    if (!free.tryAcquire()) {
      throw Refusals.queueFull(model, slots);
    }
  }

  public void giveBack() {
    free.release();
  }

  /// Sequences under way.
  public int taken() {
    return slots - free.availablePermits();
  }

  /// Sequences that wait.
  public int waiting() {
    return waiting.get();
  }
}
