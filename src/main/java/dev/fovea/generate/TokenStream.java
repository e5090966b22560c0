package dev.fovea.generate;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/// Between a text that is generated and a consumer that reads it: the one never waits for the
/// other.
///
/// While the consumer is ready, a delta goes straight to it, on the thread that generates. While it
/// is not, deltas wait, a bounded number of them; beyond that the last one grows instead, and when
/// that has gone on for too long, the text ends with `SLOW_CONSUMER`. What waits goes when the
/// consumer says that it is ready, on the thread that says so. Thread-safe.
public final class TokenStream implements Consumer<Delta> {
  /// Deltas that wait.
  static final int CAPACITY = 64;

  /// How long it may be full.
  static final Duration GRACE = Duration.ofSeconds(2);

  private final Reader reader;
  private final Deadline deadline;
  private final LongAdder backlog;

  /// Guards what follows, and sees to it that deltas reach the reader one by one.
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition emptied = lock.newCondition();
  private final Deque<Delta> waiting = new ArrayDeque<>();
  private long fullSinceNanos;
  private boolean full;

  /// Who reads.
  public interface Reader {
    /// Whether a delta that is given now leaves without waiting.
    boolean isReady();

    void read(Delta delta);
  }

  /// @param deadline until when what waits may still be read; its clock measures the grace
  /// @param backlog how many deltas of all streams wait; kept up to date
  public TokenStream(Reader reader, Deadline deadline, LongAdder backlog) {
    this.reader = reader;
    this.deadline = deadline;
    this.backlog = backlog;
  }

  /// More text.
  ///
  /// @throws GatewayException with `SLOW_CONSUMER`
  @Override
  public void accept(Delta delta) {
    lock.lock();
    try {
      send();
      if (waiting.isEmpty() && reader.isReady()) {
        reader.read(delta);
      } else if (waiting.size() < CAPACITY) {
        full = false;
        waiting.add(delta);
        backlog.increment();
      } else {
        long now = deadline.clock().nanoTime();
        fullSinceNanos = full ? fullSinceNanos : now;
        full = true;
        if (now - fullSinceNanos > GRACE.toNanos()) {
          drop();
          throw new GatewayException(
                  Reason.SLOW_CONSUMER, "the client did not read its stream fast enough")
              .with("limit", CAPACITY);
        }
        waiting.add(waiting.removeLast().then(delta));
      }
    } finally {
      lock.unlock();
    }
  }

  /// The consumer may be ready.
  public void readerIsReady() {
    lock.lock();
    try {
      send();
    } finally {
      lock.unlock();
    }
  }

  private void drop() {
    backlog.add(-waiting.size());
    waiting.clear();
  }

  private void send() {
    while (!waiting.isEmpty() && reader.isReady()) {
      Delta next = waiting.remove();
      backlog.decrement();
      reader.read(next);
    }
    if (waiting.isEmpty()) {
      full = false;
      emptied.signalAll();
    }
  }

  /// Waits until nothing waits any more: the text is whole, and the engine has its place back.
  ///
  /// @throws GatewayException with `SLOW_CONSUMER` when the deadline comes first
  public void finish() throws InterruptedException {
    lock.lock();
    try {
      send();
      while (!waiting.isEmpty()) {
        long left = deadline.remainingNanos();
        if (left <= 0) {
          drop();
          throw new GatewayException(
                  Reason.SLOW_CONSUMER, "the client did not read its stream to the end in time")
              .with("limit", CAPACITY);
        }
        boolean _ = emptied.await(left, TimeUnit.NANOSECONDS);
      }
    } finally {
      lock.unlock();
    }
  }

  /// Sends what can be sent and drops the rest: the text ends with a refusal.
  public void abandon() {
    lock.lock();
    try {
      send();
      drop();
    } finally {
      lock.unlock();
    }
  }

  /// Deltas that wait.
  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }
}
