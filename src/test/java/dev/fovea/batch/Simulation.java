package dev.fovea.batch;

import dev.fovea.failure.GatewayException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/// A server under open load on a virtual clock: rows arrive as a Poisson process, batches take as
/// long as a curve says, and what comes of it is exact and the same on every machine.
public final class Simulation {
  public static final double MILLI = 1e6;

  /// What decides about batches: [BatchScheduler], or something it is measured by.
  public interface Batcher {
    /// @throws GatewayException when the row is refused on arrival
    void arrive(WaitingRow row, long now);

    BatchScheduler.Step next(long now);

    void finished(RunningBatch batch, long now);
  }

  /// What came of one load.
  ///
  /// @param offered rows that came a second
  /// @param answeredInTime rows that were answered by their deadline, a second
  /// @param waits from arrival to answer in nanoseconds, ascending; of the rows answered at all
  /// @param meanSize rows a batch
  public record Result(double offered, double answeredInTime, long[] waits, double meanSize) {
    public double millis(double quantile) {
      return waits.length == 0
          ? Double.NaN
          : waits[(int) Math.min(waits.length - 1L, (long) (quantile * waits.length))] / MILLI;
    }
  }

  /// How long a batch takes, in nanoseconds.
  public interface Curve {
    long nanos(int size);
  }

  /// The curve of a small model on a data-centre GPU, fitted to published figures: 0.39 ms and
  /// 0.074 ms more for each row.
  public static long gpu(int size) {
    return 390_000 + 74_000L * size;
  }

  /// A processor's, which computes one row after the other: t(n) = 11 n ms.
  public static long processor(int size) {
    return 11_000_000L * size;
  }

  private record Event(long at, long number, Runnable action) {}

  private static final Bucket BUCKET = Bucket.of(Map.of(), Set.of("y"));

  private final Batcher batcher;
  private final Curve curve;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          (a, b) -> a.at != b.at ? Long.compare(a.at, b.at) : Long.compare(a.number, b.number));
  private final List<Long> waits = new ArrayList<>();
  private long numbers;
  private long now;
  private long wakeAt = Long.MAX_VALUE;
  private long inTime;
  private long ran;
  private long batches;

  private Simulation(Batcher batcher, Curve curve) {
    this.batcher = batcher;
    this.curve = curve;
  }

  /// @param perSecond rows that arrive a second
  /// @param seconds of virtual time
  /// @param allowed the time that each row may take
  public static Result run(
      Batcher batcher, Curve curve, double perSecond, double seconds, long allowed, long seed) {
    return new Simulation(batcher, curve).run(perSecond, seconds, allowed, seed);
  }

  private Result run(double perSecond, double seconds, long allowed, long seed) {
    Random random = new Random(seed);
    long end = (long) (seconds * 1e9);
    scheduleArrival(random, perSecond, allowed, end);
    while (!events.isEmpty()) {
      Event event = events.poll();
      now = event.at;
      event.action.run();
      dispatch();
    }
    long[] sorted = waits.stream().mapToLong(Long::longValue).sorted().toArray();
    return new Result(perSecond, inTime / seconds, sorted, ran / (double) Math.max(1, batches));
  }

  private void scheduleArrival(Random random, double perSecond, long allowed, long end) {
    long next = now + (long) (-Math.log(1 - random.nextDouble()) / perSecond * 1e9);
    if (next < end) {
      at(
          next,
          () -> {
            arrive(allowed);
            scheduleArrival(random, perSecond, allowed, end);
          });
    }
  }

  private void arrive(long allowed) {
    try {
      batcher.arrive(new WaitingRow((_, _) -> {}, 0, BUCKET, 0, now, now + allowed), now);
    } catch (GatewayException _) {
      // Refused on arrival: not answered in time.
    }
  }

  private void dispatch() {
    while (true) {
      switch (batcher.next(now)) {
        case BatchScheduler.Step.Run(RunningBatch batch) ->
            at(now + curve.nanos(batch.size()), () -> finish(batch));
        case BatchScheduler.Step.Wait(long nanos) -> {
          if (nanos != BatchScheduler.NEVER && (wakeAt <= now || now + nanos < wakeAt)) {
            wakeAt = now + nanos;
            at(wakeAt, () -> {});
          }
          return;
        }
      }
    }
  }

  private void finish(RunningBatch batch) {
    batches++;
    for (WaitingRow row : batch.rows()) {
      ran++;
      waits.add(now - row.arrivalNanos());
      if (now <= row.deadlineNanos()) {
        inTime++;
      }
    }
    batcher.finished(batch, now);
  }

  private void at(long time, Runnable action) {
    events.add(new Event(time, numbers++, action));
  }

  /// [BatchScheduler] as it is.
  public static Batcher fovea(BatchScheduler scheduler) {
    return new Batcher() {
      @Override
      public void arrive(WaitingRow row, long now) {
        scheduler.admit(List.of(row), now);
      }

      @Override
      public BatchScheduler.Step next(long now) {
        return scheduler.next(now);
      }

      @Override
      public void finished(RunningBatch batch, long now) {
        scheduler.finished(batch, now, true);
      }
    };
  }

  /// First come, first served in a fixed window: a batch goes when it is full or its first row has
  /// waited for the window. Rows that are too late already are dropped.
  public static Batcher window(long windowNanos, int maxSize) {
    return new OneInstance() {
      private final Deque<WaitingRow> rows = new ArrayDeque<>();

      @Override
      public void arrive(WaitingRow row, long now) {
        rows.add(row);
      }

      @Override
      List<WaitingRow> pick(long now) {
        while (!rows.isEmpty() && rows.getFirst().deadlineNanos() <= now) {
          rows.removeFirst();
        }
        List<WaitingRow> picked = new ArrayList<>();
        while (!rows.isEmpty() && picked.size() < maxSize) {
          picked.add(rows.removeFirst());
        }
        return picked;
      }

      @Override
      long idleUntil(long now) {
        return rows.isEmpty()
            ? Long.MAX_VALUE
            : rows.size() >= maxSize ? now : rows.getFirst().arrivalNanos() + windowNanos;
      }
    };
  }

  /// Earliest deadline first by somebody who knows the curve: takes all that is there and drops
  /// what the batch would answer too late.
  public static Batcher oracle(Curve curve, int maxSize) {
    return new OneInstance() {
      private final PriorityQueue<WaitingRow> rows =
          new PriorityQueue<>((a, b) -> Long.compare(a.deadlineNanos(), b.deadlineNanos()));

      @Override
      public void arrive(WaitingRow row, long now) {
        rows.add(row);
      }

      @Override
      List<WaitingRow> pick(long now) {
        long end = now + curve.nanos(Math.min(maxSize, Math.max(1, rows.size())));
        while (!rows.isEmpty() && rows.peek().deadlineNanos() < end) {
          rows.remove();
        }
        List<WaitingRow> picked = new ArrayList<>();
        while (!rows.isEmpty() && picked.size() < maxSize) {
          picked.add(rows.remove());
        }
        return picked;
      }

      @Override
      long idleUntil(long now) {
        return rows.isEmpty() ? Long.MAX_VALUE : now;
      }
    };
  }

  private abstract static class OneInstance implements Batcher {
    private boolean busy;

    abstract List<WaitingRow> pick(long now);

    /// When the next batch may go, if the instance is idle.
    abstract long idleUntil(long now);

    @Override
    public BatchScheduler.Step next(long now) {
      long until = idleUntil(now);
      if (busy || until == Long.MAX_VALUE) {
        return new BatchScheduler.Step.Wait(BatchScheduler.NEVER);
      }
      if (until > now) {
        return new BatchScheduler.Step.Wait(until - now);
      }
      List<WaitingRow> picked = pick(now);
      if (picked.isEmpty()) {
        return new BatchScheduler.Step.Wait(BatchScheduler.NEVER);
      }
      busy = true;
      return new BatchScheduler.Step.Run(new RunningBatch(picked, now, now));
    }

    @Override
    public void finished(RunningBatch batch, long now) {
      busy = false;
    }
  }

  /// Rows a second that full batches on one instance give.
  public static double capacity(Curve curve, int maxSize) {
    return maxSize / (curve.nanos(maxSize) / 1e9);
  }
}
