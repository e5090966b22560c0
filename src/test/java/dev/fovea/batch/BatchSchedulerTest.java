package dev.fovea.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.engine.ContractModel;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// The scheduler by itself, at times that the test says.
final class BatchSchedulerTest {
  private static final int MAX_SIZE = 4;
  private static final long MILLI = 1_000_000;
  private static final Bucket SMALL = bucket(1);
  private static final Bucket LARGE = bucket(2);

  private final List<GatewayException> refusals = new ArrayList<>();
  private final List<WaitingRow> refused = new ArrayList<>();

  @Test
  void runsWhatIsThereAsSoonAsAnInstanceIsFree() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    WaitingRow first = admit(scheduler, 100);
    RunningBatch running = run(scheduler, 0);
    List<WaitingRow> later = List.of(admit(scheduler, 100), admit(scheduler, 100));

    assertThat(running.rows()).containsExactly(first);
    assertThat(scheduler.next(MILLI)).isEqualTo(new BatchScheduler.Step.Wait(BatchScheduler.NEVER));

    scheduler.finished(running, 2 * MILLI, true);

    assertThat(run(scheduler, 2 * MILLI).rows()).containsExactlyElementsOf(later);
  }

  @Test
  void earliestDeadlineFirst() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    WaitingRow late = admit(scheduler, 300);
    WaitingRow early = admit(scheduler, 100);
    WaitingRow middle = admit(scheduler, 200);

    assertThat(run(scheduler, 0).rows()).containsExactly(early, middle, late);
  }

  @Test
  void firstComeFirstServedWhereOrderIsKept() {
    BatchScheduler scheduler = scheduler(policy(0, 0, true), 1);
    WaitingRow late = admit(scheduler, 300);
    WaitingRow early = admit(scheduler, 100);

    assertThat(run(scheduler, 0).rows()).containsExactly(late, early);
  }

  @Test
  void priorityComesBeforeDeadline() {
    BatchScheduler scheduler = scheduler(policy(0, 3, false), 1);
    WaitingRow sheddable = admit(scheduler, row(3, SMALL, 100));
    WaitingRow usual = admit(scheduler, row(2, SMALL, 200));
    WaitingRow critical = admit(scheduler, row(1, SMALL, 300));

    assertThat(run(scheduler, 0).rows()).containsExactly(critical, usual, sheddable);
  }

  @Test
  void rowsOfOtherShapeRunInABatchOfTheirOwn() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    WaitingRow small = admit(scheduler, row(0, SMALL, 100));
    WaitingRow large = admit(scheduler, row(0, LARGE, 110));
    WaitingRow alsoSmall = admit(scheduler, row(0, SMALL, 120));

    RunningBatch first = run(scheduler, 0);
    scheduler.finished(first, MILLI, true);

    assertThat(first.rows()).containsExactly(small, alsoSmall);
    assertThat(run(scheduler, MILLI).rows()).containsExactly(large);
  }

  @Test
  void noBatchIsLargerThanTheModelAllows() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    admitAll(scheduler, MAX_SIZE + 1);

    RunningBatch first = run(scheduler, 0);
    scheduler.finished(first, MILLI, true);

    assertThat(first.size()).isEqualTo(MAX_SIZE);
    assertThat(run(scheduler, MILLI).size()).isEqualTo(1);
  }

  @Test
  void idleInstancesShareWhatIsThere() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 2);
    admitAll(scheduler, 3);

    assertThat(run(scheduler, 0).size()).isEqualTo(2);
    assertThat(run(scheduler, 0).size()).isEqualTo(1);
    assertThat(scheduler.waiting()).isZero();
    assertThat(scheduler.running()).isEqualTo(2);
  }

  @Test
  void prefersTheSizesThatThePolicyNames() {
    BatchPolicy policy =
        new BatchPolicy(
            List.of(2), Duration.ZERO, false, 0, 0, BatchPolicy.Queue.UNBOUNDED, Map.of());
    BatchScheduler scheduler = scheduler(policy, 1);
    admitAll(scheduler, 3);

    RunningBatch first = run(scheduler, 0);
    scheduler.finished(first, MILLI, true);

    assertThat(first.size()).isEqualTo(2);
    assertThat(run(scheduler, MILLI).size()).isEqualTo(1);
  }

  @Test
  void waitsForMoreOnlyAsLongAsThePolicySays() {
    BatchScheduler scheduler = scheduler(policy(5_000, 0, false), 1);
    admit(scheduler, 100);

    assertThat(scheduler.next(2 * MILLI)).isEqualTo(new BatchScheduler.Step.Wait(3 * MILLI));
    assertThat(run(scheduler, 5 * MILLI).size()).isEqualTo(1);
  }

  @Test
  void aFullBatchDoesNotWait() {
    BatchScheduler scheduler = scheduler(policy(5_000, 0, false), 1);
    admitAll(scheduler, MAX_SIZE);

    assertThat(run(scheduler, 0).size()).isEqualTo(MAX_SIZE);
  }

  @Test
  void waitingEndsWhenTheFirstDeadlineWouldBeMissed() {
    BatchScheduler scheduler = scheduler(policy(5_000, 0, false), 1);
    teach(scheduler, SMALL, 3 * MILLI);
    admit(scheduler, row(0, SMALL, 16));

    // A full batch takes 4 × 3 ms: it must begin by the 4th.
    assertThat(scheduler.next(3 * MILLI)).isEqualTo(new BatchScheduler.Step.Wait(MILLI));
    assertThat(run(scheduler, 4 * MILLI).size()).isEqualTo(1);
  }

  @Test
  void aCallThatDoesNotFitTheQueueIsRefusedWhole() {
    BatchScheduler scheduler = new BatchScheduler(model(BatchPolicy.DEFAULT), 1, 3);
    admitAll(scheduler, 2);

    assertRefused(
        Reason.QUEUE_FULL,
        () -> scheduler.admit(List.of(row(0, SMALL, 100), row(0, SMALL, 100)), 0));

    assertThat(scheduler.waiting()).isEqualTo(2);
    admit(scheduler, 100);
    assertThat(scheduler.waiting()).isEqualTo(3);
  }

  @Test
  void eachPriorityHasAQueueOfItsOwnSize() {
    BatchPolicy.Queue one = new BatchPolicy.Queue(Duration.ZERO, false, 1);
    BatchScheduler scheduler =
        scheduler(
            new BatchPolicy(
                List.of(), Duration.ZERO, false, 2, 1, BatchPolicy.Queue.UNBOUNDED, Map.of(2, one)),
            1);
    admit(scheduler, row(2, SMALL, 100));

    assertRefused(Reason.QUEUE_FULL, () -> scheduler.admit(List.of(row(2, SMALL, 100)), 0));
    admit(scheduler, row(1, SMALL, 100));
  }

  @Test
  void aRowThatWaitedTooLongIsRefused() {
    BatchScheduler scheduler = scheduler(timeout(10, false), 1);
    RunningBatch running = runOne(scheduler);
    WaitingRow row = admit(scheduler, 100);
    scheduler.finished(running, 10 * MILLI, true);

    assertThat(scheduler.next(10 * MILLI))
        .isEqualTo(new BatchScheduler.Step.Wait(BatchScheduler.NEVER));
    assertThat(refused).containsExactly(row);
    assertThat(refusals.getFirst().reason()).isEqualTo(Reason.QUEUE_FULL);
  }

  @Test
  void aRowThatWaitedTooLongGoesLastWhereThePolicySaysSo() {
    BatchScheduler scheduler = scheduler(timeout(10, true), 1);
    RunningBatch running = runOne(scheduler);
    WaitingRow waited = admit(scheduler, 100);
    WaitingRow fresh = new WaitingRow(this::refused, 0, SMALL, 0, 9 * MILLI, 900 * MILLI);
    scheduler.admit(List.of(fresh), 9 * MILLI);
    scheduler.finished(running, 10 * MILLI, true);

    assertThat(run(scheduler, 10 * MILLI).rows()).containsExactly(fresh, waited);
    assertThat(refused).isEmpty();
  }

  @Test
  void whatCannotBeAnsweredInTimeIsRefusedOnArrival() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    teach(scheduler, SMALL, 10 * MILLI);
    admit(scheduler, 100);
    run(scheduler, 0);

    // The instance is busy until 10 ms, and a row takes 10 more.
    assertRefused(
        Reason.DEADLINE_UNREACHABLE, () -> scheduler.admit(List.of(row(0, SMALL, 19)), 0));
    assertThat(scheduler.waiting()).isZero();
    admit(scheduler, row(0, SMALL, 20));
  }

  @Test
  void aPromiseIsKept() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    teach(scheduler, SMALL, 10 * MILLI);
    teach(scheduler, LARGE, 10 * MILLI);
    admit(scheduler, 100);
    run(scheduler, 0);
    admit(scheduler, row(0, SMALL, 25));

    // It could be answered in time itself, but only before the other, whose time would pass.
    assertRefused(
        Reason.DEADLINE_UNREACHABLE, () -> scheduler.admit(List.of(row(0, LARGE, 24)), 0));
  }

  @Test
  void moreUrgentRowsMayCostLessUrgentOnesTheirPromise() {
    BatchScheduler scheduler = scheduler(policy(0, 2, false), 1);
    teach(scheduler, SMALL, 10 * MILLI);
    teach(scheduler, LARGE, 10 * MILLI);
    admit(scheduler, row(1, SMALL, 100));
    run(scheduler, 0);
    admit(scheduler, row(2, SMALL, 25));

    admit(scheduler, row(1, LARGE, 24));

    assertThat(scheduler.waiting()).isEqualTo(2);
  }

  @Test
  void reservedRoomCountsAsWaitingAndIsNotRun() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    teach(scheduler, SMALL, 10 * MILLI);
    List<WaitingRow> standIns = List.of(row(0, Bucket.UNKNOWN, 15));
    scheduler.reserve(standIns, 0);

    assertThat(scheduler.next(0)).isEqualTo(new BatchScheduler.Step.Wait(BatchScheduler.NEVER));
    assertThat(scheduler.waiting()).isEqualTo(1);
    // It would have to run before the row that is promised an answer by 15 ms.
    teach(scheduler, LARGE, 10 * MILLI);
    assertRefused(
        Reason.DEADLINE_UNREACHABLE, () -> scheduler.admit(List.of(row(0, LARGE, 14)), 0));

    WaitingRow row = row(0, SMALL, 15);
    scheduler.redeem(standIns, List.of(row));

    assertThat(run(scheduler, 0).rows()).containsExactly(row);
    assertThat(scheduler.waiting()).isZero();
  }

  @Test
  void reservedRoomThatIsGivenUpIsFreeAgain() {
    BatchScheduler scheduler = new BatchScheduler(model(BatchPolicy.DEFAULT), 1, 1);
    List<WaitingRow> standIns = List.of(row(0, Bucket.UNKNOWN, 100));
    scheduler.reserve(standIns, 0);
    assertRefused(Reason.QUEUE_FULL, () -> scheduler.admit(List.of(row(0, SMALL, 100)), 0));

    scheduler.giveUp(standIns);

    admit(scheduler, 100);
  }

  @Test
  void anIdleInstanceIsAlwaysWorthATry() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    teach(scheduler, SMALL, 500 * MILLI);

    WaitingRow row = admit(scheduler, 50);

    assertThat(run(scheduler, 0).rows()).containsExactly(row);
  }

  @Test
  void aRowWhoseTimeHasPassedNeverRuns() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    RunningBatch running = runOne(scheduler);
    WaitingRow late = admit(scheduler, 5);
    WaitingRow inTime = admit(scheduler, 100);
    scheduler.finished(running, 5 * MILLI, true);

    assertThat(run(scheduler, 5 * MILLI).rows()).containsExactly(inTime);
    assertThat(refused).containsExactly(late);
    assertThat(refusals.getFirst().reason()).isEqualTo(Reason.DEADLINE_EXCEEDED);
  }

  @Test
  void aBatchIsMadeSmallerSoThatItsFirstRowIsInTime() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    RunningBatch running = runOne(scheduler);
    WaitingRow urgent = admit(scheduler, row(0, SMALL, 14));
    admitAll(scheduler, 3);
    scheduler.finished(running, 3 * MILLI, true);

    // Learned: 3 ms a row. Of the four, three fit the 11 ms that are left.
    assertThat(run(scheduler, 3 * MILLI).rows()).hasSize(3).startsWith(urgent);
    assertThat(refused).isEmpty();
  }

  @Test
  void aRowThatWouldCostTheOthersHalfTheirBatchIsTooLate() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    RunningBatch running = runOne(scheduler);
    WaitingRow urgent = admit(scheduler, row(0, SMALL, 7));
    admitAll(scheduler, 3);
    scheduler.finished(running, 3 * MILLI, true);

    assertThat(run(scheduler, 3 * MILLI).rows()).hasSize(3).doesNotContain(urgent);
    assertThat(refused).containsExactly(urgent);
  }

  @Test
  void whoHasGoneNeverRuns() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    WaitingRow gone = admit(scheduler, 100);
    WaitingRow stays = admit(scheduler, 100);

    scheduler.leave(gone);

    assertThat(run(scheduler, 0).rows()).containsExactly(stays);
  }

  @Test
  void aBrokenBatchTeachesNothing() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    RunningBatch running = runOne(scheduler);

    scheduler.finished(running, 500 * MILLI, false);

    assertThat(scheduler.expected(SMALL, 1)).isZero();
  }

  @Test
  void drainingTakesOutWhatWaits() {
    BatchScheduler scheduler = scheduler(BatchPolicy.DEFAULT, 1);
    runOne(scheduler);
    WaitingRow waiting = admit(scheduler, 100);

    assertThat(scheduler.drain()).containsExactly(waiting);
    assertThat(scheduler.waiting()).isZero();
  }

  private static BatchScheduler scheduler(BatchPolicy policy, int slots) {
    return new BatchScheduler(model(policy), slots, 1_000);
  }

  private static ServableModel model(BatchPolicy policy) {
    Signature signature = ContractModel.signature();
    return ContractModel.servable(
        new Signature(signature.inputs(), signature.outputs(), MAX_SIZE), policy);
  }

  private static BatchPolicy policy(int delayMicros, int levels, boolean preserveOrdering) {
    return new BatchPolicy(
        List.of(),
        Duration.ofNanos(delayMicros * 1_000L),
        preserveOrdering,
        levels,
        levels,
        BatchPolicy.Queue.UNBOUNDED,
        Map.of());
  }

  private static BatchPolicy timeout(int millis, boolean delays) {
    return new BatchPolicy(
        List.of(),
        Duration.ZERO,
        true,
        0,
        0,
        new BatchPolicy.Queue(Duration.ofMillis(millis), delays, 0),
        Map.of());
  }

  private static Bucket bucket(int extent) {
    return Bucket.of(Map.of("x", Tensor.zeros(DataType.FP32, Shape.of(extent))), Set.of("y"));
  }

  private WaitingRow row(int priority, Bucket bucket, int deadlineMillis) {
    return new WaitingRow(this::refused, 0, bucket, priority, 0, deadlineMillis * MILLI);
  }

  private void refused(WaitingRow row, GatewayException refusal) {
    refused.add(row);
    refusals.add(refusal);
  }

  private WaitingRow admit(BatchScheduler scheduler, int deadlineMillis) {
    return admit(scheduler, row(0, SMALL, deadlineMillis));
  }

  private static WaitingRow admit(BatchScheduler scheduler, WaitingRow row) {
    scheduler.admit(List.of(row), 0);
    return row;
  }

  private void admitAll(BatchScheduler scheduler, int count) {
    for (int i = 0; i < count; i++) {
      admit(scheduler, 100 + i);
    }
  }

  private static RunningBatch run(BatchScheduler scheduler, long now) {
    if (scheduler.next(now) instanceof BatchScheduler.Step.Run(RunningBatch batch)) {
      return batch;
    }
    throw new AssertionError("nothing runs");
  }

  private RunningBatch runOne(BatchScheduler scheduler) {
    admit(scheduler, 1_000);
    return run(scheduler, 0);
  }

  /// Lets a row run for `nanos`, long ago.
  private void teach(BatchScheduler scheduler, Bucket bucket, long nanos) {
    long then = -1_000 * MILLI;
    scheduler.admit(List.of(new WaitingRow(this::refused, 0, bucket, 1, then, 0)), then);
    RunningBatch batch = run(scheduler, then + 100 * MILLI);
    scheduler.finished(batch, then + 100 * MILLI + nanos, true);
  }

  private static void assertRefused(Reason reason, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(reason);
              assertThat(refusal.retryAfter()).isPresent();
            });
  }
}
