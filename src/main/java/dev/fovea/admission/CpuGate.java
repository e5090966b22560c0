package dev.fovea.admission;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// All work that keeps a processor busy for long goes through here: decoding, resizing, tokenising.
/// As many pieces run at once as there are processors; others wait until their deadline.
///
/// Large pieces do not starve small ones, in three ways:
///
/// - Who waits is served in the order of self-clocked fair queueing (Golestani 1994): each piece is
///   stamped with the stamp of the piece that began last plus its own cost, and the lowest stamp
///   goes first. A small piece passes the large ones that wait, and a large one is passed by no
///   more of them than its cost is worth.
/// - Nothing that runs is ever stopped, so one processor is kept free of large pieces while small
///   ones keep coming: from the first small piece until a large one has run from beginning to end
///   without meeting any. Where small pieces are none, large ones have every processor.
/// - A small piece that finds every processor taken by then, or more of them than one, is let in
///   beside the others by one more lane: the machine shares its processors out by time, and the
///   piece is done long before a large one would have made room.
///
/// Calls that only wait or stream are never held up: virtual threads have three carriers more than
/// there are processors, one of them for that lane.
public final class CpuGate {
  /// The largest cost of a small piece. An image of a megapixel takes about ten milliseconds to
  /// decode, which is as long as others may be kept waiting unnoticed.
  static final long SMALL = 1 << 20;

  private final int width;
  private final ReentrantLock lock = new ReentrantLock();

  /// Those who wait, in order. Guarded by the lock, as is everything below.
  private final PriorityQueue<Piece> small = new PriorityQueue<>();

  private final PriorityQueue<Piece> large = new PriorityQueue<>();

  /// Pieces that run, by lane.
  private final int[] running = new int[Lane.values().length];

  private long lastBegun;
  private long smallBegun;
  private boolean smallKeepComing;
  private long arrivals;

  /// @param width pieces of work that run at once, 1 or more
  public CpuGate(int width) {
    if (width < 1) {
      throw new IllegalArgumentException("width: " + width + " (expected: > 0)");
    }
    this.width = width;
  }

  /// What a piece runs as.
  private enum Lane {
    SMALL,
    LARGE,
    /// A small piece beside as many others as there are processors.
    BESIDE
  }

  /// A piece that runs.
  ///
  /// @param smallBefore small pieces that had begun before it
  private record Running(Lane lane, long smallBefore) {}

  /// A piece that waits for its turn.
  private static final class Piece implements Comparable<Piece> {
    private final long stamp;
    private final long arrival;
    private final Condition turn;
    private @Nullable Running running;

    Piece(long stamp, long arrival, Condition turn) {
      this.stamp = stamp;
      this.arrival = arrival;
      this.turn = turn;
    }

    @Override
    public int compareTo(Piece other) {
      int byStamp = Long.compare(stamp, other.stamp);
      return byStamp != 0 ? byStamp : Long.compare(arrival, other.arrival);
    }
  }

  /// Work on a processor.
  ///
  /// @param <T> what comes of it
  @FunctionalInterface
  public interface Work<T> {
    T run() throws InterruptedException;
  }

  /// Runs one small piece of work on the calling thread.
  ///
  /// @throws GatewayException with `DEADLINE_EXCEEDED` when its turn does not come in time
  public <T> T run(Deadline deadline, Work<T> work) throws InterruptedException {
    return run(deadline, 0, work);
  }

  /// Runs one piece of work on the calling thread.
  ///
  /// @param cost how large it is beside others, 0 or more: for an image, its pixels
  /// @throws GatewayException with `DEADLINE_EXCEEDED` when its turn does not come in time
  public <T> T run(Deadline deadline, long cost, Work<T> work) throws InterruptedException {
    require(deadline, cost);
    return run(enter(deadline, cost), work);
  }

  /// As [#run(Deadline, long, Work)], and tells how long the piece waited.
  public <T> T run(Deadline deadline, long cost, StageTimings timings, Work<T> work)
      throws InterruptedException {
    require(deadline, cost);
    Running running;
    try (StageTimings.Span _ = timings.start(Stage.ADMISSION)) {
      running = enter(deadline, cost);
    }
    return run(running, work);
  }

  private static void require(Deadline deadline, long cost) {
    if (cost < 0) {
      throw new IllegalArgumentException("cost: " + cost + " (expected: >= 0)");
    }
    deadline.check("a processor");
  }

  private <T> T run(Running running, Work<T> work) throws InterruptedException {
    try {
      return work.run();
    } finally {
      leave(running);
    }
  }

  private Running enter(Deadline deadline, long cost) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      PriorityQueue<Piece> queue = cost <= SMALL ? small : large;
      Piece piece = new Piece(lastBegun + cost, arrivals++, lock.newCondition());
      queue.add(piece);
      admit();
      return await(piece, queue, deadline);
    } finally {
      lock.unlock();
    }
  }

  private Running await(Piece piece, PriorityQueue<Piece> queue, Deadline deadline)
      throws InterruptedException {
    try {
      long left = deadline.remainingNanos();
      while (piece.running == null) {
        if (left <= 0) {
          throw Deadline.exceeded("a processor");
        }
        left = piece.turn.awaitNanos(left);
      }
      return piece.running;
    } catch (InterruptedException | GatewayException e) {
      // Its turn may have come in the same moment.
      if (piece.running == null) {
        queue.remove(piece);
      } else {
        leave(piece.running);
      }
      throw e;
    }
  }

  private void leave(Running piece) {
    lock.lock();
    try {
      running[piece.lane().ordinal()]--;
      if (piece.lane() == Lane.LARGE) {
        smallKeepComing = smallBegun > piece.smallBefore();
      }
      admit();
    } finally {
      lock.unlock();
    }
  }

  /// Lets in all for whom there is room.
  private void admit() {
    while (running(Lane.SMALL) + running(Lane.LARGE) < width) {
      if (!small.isEmpty() && (!largeMayBegin() || small.peek().compareTo(large.peek()) < 0)) {
        begin(small, Lane.SMALL);
      } else if (largeMayBegin()) {
        begin(large, Lane.LARGE);
      } else {
        break;
      }
    }
    if (running(Lane.LARGE) > 0 && running(Lane.BESIDE) == 0 && !small.isEmpty()) {
      begin(small, Lane.BESIDE);
    }
  }

  private boolean largeMayBegin() {
    boolean keepOneFree = smallKeepComing && width > 1;
    return !large.isEmpty() && running(Lane.LARGE) < (keepOneFree ? width - 1 : width);
  }

  private void begin(PriorityQueue<Piece> queue, Lane lane) {
    Piece piece = queue.remove();
    lastBegun = Math.max(lastBegun, piece.stamp);
    if (lane != Lane.LARGE) {
      smallBegun++;
      smallKeepComing = true;
    }
    running[lane.ordinal()]++;
    piece.running = new Running(lane, smallBegun);
    piece.turn.signal();
  }

  private int running(Lane lane) {
    return running[lane.ordinal()];
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
    lock.lock();
    try {
      return small.size() + large.size();
    } finally {
      lock.unlock();
    }
  }
}
