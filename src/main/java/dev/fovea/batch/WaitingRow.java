package dev.fovea.batch;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/// One row on its way into a batch. Guarded by whatever guards the scheduler.
final class WaitingRow {
  /// Told what becomes of a row; called at most once for each.
  interface Owner {
    void refused(WaitingRow row, GatewayException refusal);
  }

  private static final int MARGIN = 8;

  private final Owner owner;
  private final int place;
  private final Bucket bucket;
  private final int priority;
  private final long arrivalNanos;
  private final long deadlineNanos;
  private long number;
  private boolean delayed;
  private @Nullable RunningBatch batch;

  /// @param owner the call that the row is of
  /// @param place of the row in its call
  /// @param bucket what it can share a batch with
  /// @param priority 1 is the highest
  /// @param arrivalNanos when it came
  /// @param deadlineNanos by when it must be answered, as [#dueNanos] says
  WaitingRow(
      Owner owner, int place, Bucket bucket, int priority, long arrivalNanos, long deadlineNanos) {
    this.owner = owner;
    this.place = place;
    this.bucket = bucket;
    this.priority = priority;
    this.arrivalNanos = arrivalNanos;
    this.deadlineNanos = deadlineNanos;
  }

  /// When a row must have its answer so that its caller has it in time: a part of the time that is
  /// left is for what comes before the queue and after it, and for what was not foreseen.
  static long dueNanos(Deadline deadline, long now) {
    long left = Math.max(0, deadline.atNanos() - now);
    return deadline.atNanos() - left / MARGIN;
  }

  /// The order in which rows are served: priority, then what waited too long behind what did not,
  /// then the earliest deadline or, where order is to be kept, the earliest arrival.
  static Comparator<WaitingRow> order(boolean preserveOrdering) {
    Comparator<WaitingRow> order =
        Comparator.<WaitingRow>comparingInt(row -> row.priority).thenComparing(row -> row.delayed);
    if (!preserveOrdering) {
      order = order.thenComparing((a, b) -> Long.signum(a.deadlineNanos - b.deadlineNanos));
    }
    return order.thenComparingLong(row -> row.number);
  }

  /// Gives the row its place among those that came.
  void arrived(long number) {
    this.number = number;
  }

  Owner owner() {
    return owner;
  }

  int place() {
    return place;
  }

  Bucket bucket() {
    return bucket;
  }

  int priority() {
    return priority;
  }

  long arrivalNanos() {
    return arrivalNanos;
  }

  long deadlineNanos() {
    return deadlineNanos;
  }

  boolean delayed() {
    return delayed;
  }

  /// Sends the row behind all others of its priority. It must not be in a queue at that moment.
  void delay() {
    delayed = true;
  }

  void refuse(GatewayException refusal) {
    owner.refused(this, refusal);
  }

  /// The batch that it runs in; none while it waits.
  @Nullable RunningBatch batch() {
    return batch;
  }

  void runsIn(RunningBatch batch) {
    this.batch = batch;
  }
}
