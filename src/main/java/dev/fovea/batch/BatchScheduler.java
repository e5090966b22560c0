package dev.fovea.batch;

import com.google.common.collect.Iterables;
import dev.fovea.call.Deadline;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.ServableModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Decides which waiting rows run next, and which need not wait at all. It has neither threads nor
/// a clock: whoever holds it guards it and says what time it is.
///
/// When an instance is free it takes what is there: the first row, by priority and then by
/// deadline, and as many of the same bucket as a batch holds. It waits for more only where the
/// policy says so, and never longer than the first deadline allows. Rows are spread over the
/// instances that are idle.
///
/// It learns how long batches take. Where a larger batch does not make its rows cheaper, as on a
/// processor that computes one row after the other, it takes no more of them than pays: the others
/// would wait for each other and nobody would be answered sooner. A row that could not be answered
/// in time, or would make one late that has been let in, is refused on arrival, when its caller can
/// still go elsewhere.
final class BatchScheduler {
  /// How the time until something may be done is said when only an event can change anything.
  static final long NEVER = Long.MAX_VALUE;

  /// What is to be done now.
  sealed interface Step {
    /// Run a batch; the scheduler counts it as running until it is told of its end.
    record Run(RunningBatch batch) implements Step {}

    /// Nothing, until rows come, a batch ends or this time is over.
    ///
    /// @param nanos from now, or [#NEVER]
    record Wait(long nanos) implements Step {}
  }

  private final ServableModel model;
  private final BatchPolicy policy;
  private final int maxSize;
  private final int slots;
  private final int maxRows;
  private final Comparator<WaitingRow> order;
  private final TreeSet<WaitingRow> rows;
  private final TreeSet<WaitingRow> reserved;
  private final Map<Integer, Integer> rowsByPriority = new HashMap<>();
  private final List<RunningBatch> running = new ArrayList<>();
  private final Map<Bucket, RunTimes> times = new RecentMap<>(64);
  private Bucket usual = Bucket.UNKNOWN;
  private long arrivals;

  /// @param model whose rows they are
  /// @param slots batches that may run at once
  /// @param maxRows most rows that wait, whatever the policy says
  BatchScheduler(ServableModel model, int slots, int maxRows) {
    this.model = model;
    this.policy = model.batchPolicy();
    this.maxSize = model.signature().maxBatchSize();
    this.slots = slots;
    this.maxRows = maxRows;
    this.order = WaitingRow.order(policy.preserveOrdering());
    this.rows = new TreeSet<>(order);
    this.reserved = new TreeSet<>(order);
  }

  /// Keeps room for rows that will come: they count as waiting until they are let in, or until the
  /// reservation is given up.
  ///
  /// @param call stand-ins for the rows, of one priority
  /// @throws GatewayException as [#admit] does
  void reserve(List<WaitingRow> call, long now) {
    enter(call, reserved, now);
  }

  void giveUp(List<WaitingRow> call) {
    call.forEach(row -> remove(row, reserved));
  }

  /// Lets the rows of a call in: all of them or none.
  ///
  /// @param call rows of one priority
  /// @throws GatewayException with `QUEUE_FULL`, or with `DEADLINE_UNREACHABLE` when they could not
  ///   be answered in time, or only at the cost of others that were let in before
  void admit(List<WaitingRow> call, long now) {
    enter(call, rows, now);
  }

  /// Lets rows in for which room was kept: their promise was made when they were reserved.
  ///
  /// @param call no more rows than were reserved
  void redeem(List<WaitingRow> standIns, List<WaitingRow> call) {
    giveUp(standIns);
    for (WaitingRow row : call) {
      row.arrived(arrivals++);
      add(row, rows);
    }
  }

  private void enter(List<WaitingRow> call, TreeSet<WaitingRow> queue, long now) {
    int priority = call.getFirst().priority();
    requireRoom(priority, call.size());
    boolean mayHaveToWait = waiting() > 0 || running.size() == slots;
    for (WaitingRow row : call) {
      row.arrived(arrivals++);
      add(row, queue);
    }
    if (!mayHaveToWait) {
      return;
    }
    int late = lateRows(priority, now);
    if (late > 0) {
      call.forEach(row -> remove(row, queue));
      if (late > lateRows(priority, now)) {
        throw Refusals.unreachable(model, waiting());
      }
      call.forEach(row -> add(row, queue));
    }
  }

  private void requireRoom(int priority, int more) {
    int limit = policy.queue(priority).maxRows();
    if (limit > 0 && rowsByPriority.getOrDefault(priority, 0) + more > limit) {
      throw Refusals.queueFull(model, limit);
    }
    if (waiting() + more > maxRows) {
      throw Refusals.queueFull(model, maxRows);
    }
  }

  /// How many of the rows that wait or will come are going to be answered too late, as it looks.
  private int lateRows(int priority, long now) {
    Iterable<WaitingRow> all = Iterables.mergeSorted(List.of(rows, reserved), order);
    return new Forecast(all, running, slots, this::largest, this::expected, now).lateRows(priority);
  }

  /// Forgets a row whose caller has gone, if it still waits.
  void leave(WaitingRow row) {
    if (row.batch() == null) {
      remove(row, rows);
    }
  }

  /// What is to be done now. Rows that are too late are refused on the way.
  Step next(long now) {
    if (policy.defaultQueue().timeout().isPositive() || !policy.queues().isEmpty()) {
      endLongWaits(now);
    }
    while (running.size() < slots && !rows.isEmpty()) {
      List<WaitingRow> candidates = candidates();
      long wait = waitForMore(candidates, now);
      if (wait > 0) {
        return new Step.Wait(wait);
      }
      int wanted = size(candidates);
      int size = sizeInTime(candidates, wanted, now);
      if (size > 0) {
        return new Step.Run(start(candidates.subList(0, size), now));
      }
      WaitingRow late = candidates.getFirst();
      remove(late, rows);
      late.refuse(Deadline.exceeded("the model's answer"));
    }
    return new Step.Wait(NEVER);
  }

  /// The first row and those behind it that can share its batch.
  private List<WaitingRow> candidates() {
    Bucket bucket = rows.first().bucket();
    List<WaitingRow> candidates = new ArrayList<>();
    for (WaitingRow row : rows) {
      if (row.bucket().equals(bucket)) {
        candidates.add(row);
        if (candidates.size() == maxSize) {
          break;
        }
      }
    }
    return candidates;
  }

  /// How long to wait for more rows: until the batch is full, or as large as is preferred, or its
  /// oldest row has waited as long as the policy allows, or its first deadline would be missed.
  private long waitForMore(List<WaitingRow> candidates, long now) {
    int full =
        policy.preferredSizes().stream().filter(s -> s <= maxSize).findFirst().orElse(maxSize);
    if (policy.maxDelay().isZero() || candidates.size() >= full) {
      return 0;
    }
    WaitingRow first = candidates.getFirst();
    long longestWait = 0;
    for (WaitingRow row : candidates) {
      longestWait = Math.max(longestWait, now - row.arrivalNanos());
    }
    long delay = policy.maxDelay().toNanos() - longestWait;
    long slack = first.deadlineNanos() - expected(first.bucket(), full) - now;
    return Math.min(delay, slack);
  }

  /// How many of the rows that are there make the next batch: the largest preferred size, or each
  /// idle instance's share, unless fewer do as well.
  private int size(List<WaitingRow> candidates) {
    int available = candidates.size();
    int preferred = 0;
    for (int size : policy.preferredSizes()) {
      preferred = size <= available ? size : preferred;
    }
    int share = Math.ceilDiv(available, slots - running.size());
    return preferred > 0
        ? preferred
        : Math.min(share, worthwhile(candidates.getFirst().bucket(), available));
  }

  /// The largest batch that is made of many rows of a bucket.
  private int largest(Bucket bucket) {
    return worthwhile(bucket, maxSize);
  }

  /// How many of so many rows are worth a batch. Where the policy says how batches are made, all.
  private int worthwhile(Bucket bucket, int most) {
    RunTimes known = known(bucket);
    boolean free = policy.preferredSizes().isEmpty() && policy.maxDelay().isZero();
    return free && known != null ? known.worthwhile(most) : most;
  }

  /// As many of the first `wanted` rows as can run together before the first deadline; zero when
  /// the first row is too late. A row that leaves time for less than half a batch counts as late:
  /// the others would pay for it. A row that nobody else waits behind is always worth a try, for
  /// what is expected may be wrong.
  private int sizeInTime(List<WaitingRow> candidates, int wanted, long now) {
    WaitingRow first = candidates.getFirst();
    long left = first.deadlineNanos() - now;
    if (left <= 0) {
      return 0;
    }
    if (waiting() == 1) {
      return 1;
    }
    int size = wanted;
    while (size > 0 && expected(first.bucket(), size) > left) {
      size--;
    }
    return size >= Math.ceilDiv(wanted, 2) ? size : 0;
  }

  private RunningBatch start(List<WaitingRow> taken, long now) {
    long end = now + expected(taken.getFirst().bucket(), taken.size());
    RunningBatch batch = new RunningBatch(taken, now, end);
    for (WaitingRow row : batch.rows()) {
      remove(row, rows);
      row.runsIn(batch);
    }
    running.add(batch);
    return batch;
  }

  /// Frees the instance that ran a batch.
  ///
  /// @param ranOnce whether it ran as one execution, whole and well: only those teach how long a
  ///   batch takes
  void finished(RunningBatch batch, long now, boolean ranOnce) {
    running.remove(batch);
    if (ranOnce) {
      usual = batch.bucket();
      times
          .computeIfAbsent(batch.bucket(), _ -> new RunTimes())
          .learn(batch.size(), now - batch.startNanos());
    }
  }

  /// How long a batch is expected to take, in nanoseconds. Rows that have not come are taken to be
  /// like those that ran last.
  long expected(Bucket bucket, int size) {
    RunTimes known = known(bucket);
    return known == null ? 0 : known.expected(size);
  }

  private @Nullable RunTimes known(Bucket bucket) {
    return times.get(bucket.equals(Bucket.UNKNOWN) ? usual : bucket);
  }

  /// Refuses or puts last what has waited longer than its queue allows.
  private void endLongWaits(long now) {
    for (WaitingRow row : List.copyOf(rows)) {
      BatchPolicy.Queue queue = policy.queue(row.priority());
      long timeout = queue.timeout().toNanos();
      if (timeout == 0 || row.delayed() || now - row.arrivalNanos() < timeout) {
        continue;
      }
      remove(row, rows);
      if (queue.delaysLateRows()) {
        row.delay();
        add(row, rows);
      } else {
        row.refuse(Refusals.waitedTooLong(model, queue.timeout()));
      }
    }
  }

  private void add(WaitingRow row, TreeSet<WaitingRow> queue) {
    queue.add(row);
    rowsByPriority.merge(row.priority(), 1, Integer::sum);
  }

  private void remove(WaitingRow row, TreeSet<WaitingRow> queue) {
    if (queue.remove(row)) {
      rowsByPriority.merge(row.priority(), -1, Integer::sum);
    }
  }

  /// Takes out every row that waits.
  List<WaitingRow> drain() {
    List<WaitingRow> all = List.copyOf(rows);
    all.forEach(row -> remove(row, rows));
    return all;
  }

  /// Rows that wait, or will.
  int waiting() {
    return rows.size() + reserved.size();
  }

  /// Batches that run.
  int running() {
    return running.size();
  }
}
