package dev.fovea.admission;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.call.Deadline;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// All work that keeps a processor busy for long goes through here: decoding, resizing, tokenising.
/// As many pieces run at once as there are processors; others wait in order of arrival, until their
/// deadline. Calls that only wait or stream are never held up by it, because virtual threads have
/// two carriers more than this gate has permits.
public final class CpuGate {
  private final Semaphore permits;
  private final int width;

  /// @param width pieces of work that run at once, 1 or more
  public CpuGate(int width) {
    if (width < 1) {
      throw new IllegalArgumentException("width: " + width + " (expected: > 0)");
    }
    this.width = width;
    this.permits = new Semaphore(width, true);
  }

  /// Runs one piece of work on the calling thread.
  ///
  /// @throws dev.fovea.failure.GatewayException with `DEADLINE_EXCEEDED` when its turn does not
  ///   come in time
  public <T> T run(Deadline deadline, Supplier<T> work) throws InterruptedException {
    deadline.check("a processor");
    if (!permits.tryAcquire(deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
      throw Deadline.exceeded("a processor");
    }
    try {
      return work.get();
    } finally {
      permits.release();
    }
  }

  /// Does the same to each of several things, as many at once as the gate is wide. `step` passes
  /// the gate by itself, so that what it waits for meanwhile holds up nobody else.
  ///
  /// @return the results, in order. The first exception ends the others and is thrown
  public <T, U> List<U> each(List<T> things, Step<T, U> step) throws InterruptedException {
    if (things.size() < 2 || width < 2) {
      List<U> results = new ArrayList<>();
      for (T thing : things) {
        results.add(step.apply(thing));
      }
      return results;
    }
    return eachAtOnce(things, step);
  }

  private <T, U> List<U> eachAtOnce(List<T> things, Step<T, U> step) throws InterruptedException {
    Semaphore workers = new Semaphore(width);
    AtomicBoolean failed = new AtomicBoolean();
    List<FutureTask<U>> tasks = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    try {
      for (T thing : things) {
        workers.acquire();
        if (failed.get()) {
          break;
        }
        FutureTask<U> task = new FutureTask<>(() -> step.apply(thing));
        tasks.add(task);
        threads.add(
            Thread.startVirtualThread(() -> {
              task.run();
              failed.compareAndSet(false, task.state() == Future.State.FAILED);
              workers.release();
            }));
      }
      return results(tasks);
    } finally {
      tasks.forEach(task -> task.cancel(true));
      // However often this thread is interrupted meanwhile: what they work on belongs to the call
      // that is about to return.
      threads.forEach(Uninterruptibles::joinUninterruptibly);
    }
  }

  private static <U> List<U> results(List<FutureTask<U>> tasks) throws InterruptedException {
    List<U> results = new ArrayList<>();
    for (FutureTask<U> task : tasks) {
      try {
        results.add(task.get());
      } catch (ExecutionException e) {
        switch (e.getCause()) {
          case InterruptedException interrupted -> throw interrupted;
          case RuntimeException refusal -> throw refusal;
          case Error error -> throw error;
          case null, default -> throw new IllegalStateException(e.getCause());
        }
      }
    }
    return results;
  }

  /// Work on one thing, part of which passes the gate.
  ///
  /// @param <T> the thing
  /// @param <U> what is made of it
  @FunctionalInterface
  public interface Step<T, U> {
    U apply(T thing) throws InterruptedException;
  }

  /// Pieces of work that run at once.
  public int width() {
    return width;
  }

  /// Pieces of work that wait now; for gauges.
  public int waiting() {
    return permits.getQueueLength();
  }
}
