package dev.fovea.batch;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The execution of one batch, and of its parts when it breaks. Used once, by one thread.
final class BatchRun {
  private final Lease lease;
  private final Clock clock;
  private final RunningBatch batch;
  private boolean anyPartRan;
  private int breakages;

  BatchRun(Lease lease, Clock clock, RunningBatch batch) {
    this.lease = lease;
    this.clock = clock;
    this.batch = batch;
  }

  /// Settles every row.
  ///
  /// @return whether it was one execution, well done
  boolean run() {
    for (BatchedCall call : calls(batch.rows())) {
      long arrival = call.rows().getFirst().arrivalNanos();
      call.request().timings().add(Stage.QUEUE, batch.startNanos() - arrival);
    }
    try {
      run(batch.rows());
    } catch (InterruptedException _) {
      // Every caller has gone: nobody is there to be told.
    }
    return anyPartRan && breakages == 0;
  }

  private void run(List<WaitingRow> rows) throws InterruptedException {
    try {
      List<Outcome<Map<String, Tensor>>> outcomes = infer(rows);
      anyPartRan = true;
      for (int i = 0; i < rows.size(); i++) {
        call(rows.get(i)).settle(rows.get(i), outcomes.get(i));
      }
    } catch (GatewayException refusal) {
      if (refusal.reason() == Reason.BACKEND_ERROR) {
        breakages++;
        runInHalves(rows, refusal);
      } else {
        rows.forEach(row -> row.refuse(refusal));
      }
    } catch (RuntimeException | Error e) {
      rows.forEach(row -> row.refuse(Refusals.failed(lease.model(), e)));
    }
  }

  /// Each call whose rows take part is told of the time that it takes. What the engine still holds
  /// up a batch that an instance is free for is the engine's: calls have been told of their wait
  /// already, once.
  private List<Outcome<Map<String, Tensor>>> infer(List<WaitingRow> rows)
      throws InterruptedException {
    StageTimings timings = new StageTimings(clock, StageListener.none());
    try {
      return lease.infer(
          new InferRequest(
              rows.stream().map(row -> call(row).inputs(row)).toList(),
              batch.bucket().outputs(),
              latestDeadline(),
              timings));
    } finally {
      for (BatchedCall call : calls(rows)) {
        call.request()
            .timings()
            .add(Stage.BACKEND, timings.nanos(Stage.QUEUE) + timings.nanos(Stage.BACKEND));
      }
    }
  }

  /// Until when the answer is of use to anybody.
  private Deadline latestDeadline() {
    Deadline latest = call(batch.rows().getFirst()).request().deadline();
    for (WaitingRow row : batch.rows()) {
      Deadline deadline = call(row).request().deadline();
      latest = deadline.atNanos() - latest.atNanos() > 0 ? deadline : latest;
    }
    return latest;
  }

  /// A batch broke: finds out which of its rows breaks it. When one after the other broke, down to
  /// a single row, and nothing ever ran, it is the model that is broken, and no row is tried any
  /// more.
  private void runInHalves(List<WaitingRow> rows, GatewayException refusal)
      throws InterruptedException {
    boolean modelIsBroken = !anyPartRan && breakages > depth(batch.size()) + 1;
    if (rows.size() == 1 || modelIsBroken) {
      rows.forEach(row -> call(row).settle(row, Outcome.failed(refusal)));
      return;
    }
    int half = rows.size() / 2;
    run(rows.subList(0, half));
    run(rows.subList(half, rows.size()));
  }

  /// How often a batch can be halved before single rows are left.
  private static int depth(int size) {
    return 32 - Integer.numberOfLeadingZeros(size - 1);
  }

  private static Set<BatchedCall> calls(List<WaitingRow> rows) {
    Set<BatchedCall> calls = new LinkedHashSet<>();
    rows.forEach(row -> calls.add(call(row)));
    return calls;
  }

  private static BatchedCall call(WaitingRow row) {
    return (BatchedCall) row.owner();
  }
}
