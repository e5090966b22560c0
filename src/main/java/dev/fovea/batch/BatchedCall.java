package dev.fovea.batch;

import static java.util.Objects.requireNonNull;

import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.model.BatchPolicy;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// One call while its rows are under way. The caller waits; whoever runs or refuses rows settles
/// them. A refusal of one row by the scheduler, or of a batch by the engine, is the whole call's:
/// it is answered whole.
final class BatchedCall implements WaitingRow.Owner {
  private final InferRequest request;
  private final List<WaitingRow> rows = new ArrayList<>();
  private final AtomicReferenceArray<@Nullable Outcome<Map<String, Tensor>>> outcomes;
  private final AtomicReference<@Nullable GatewayException> refusal = new AtomicReference<>();
  private final CountDownLatch unsettled;
  private volatile boolean left;

  BatchedCall(InferRequest request, BatchPolicy policy, long now) {
    this.request = request;
    int size = request.rows().size();
    this.outcomes = new AtomicReferenceArray<>(size);
    this.unsettled = new CountDownLatch(size);
    int priority = priority(request.criticality(), policy);
    long due = WaitingRow.dueNanos(request.deadline(), now);
    for (int place = 0; place < size; place++) {
      Bucket bucket = Bucket.of(request.rows().get(place), request.outputs());
      rows.add(new WaitingRow(this, place, bucket, priority, now, due));
    }
  }

  static int priority(Criticality criticality, BatchPolicy policy) {
    if (policy.priorityLevels() == 0) {
      return 0;
    }
    return switch (criticality) {
      case CRITICAL -> 1;
      case DEFAULT -> policy.defaultPriority();
      case SHEDDABLE -> policy.priorityLevels();
    };
  }

  InferRequest request() {
    return request;
  }

  List<WaitingRow> rows() {
    return rows;
  }

  Map<String, Tensor> inputs(WaitingRow row) {
    return request.rows().get(row.place());
  }

  void settle(WaitingRow row, Outcome<Map<String, Tensor>> outcome) {
    if (outcomes.compareAndSet(row.place(), null, outcome)) {
      unsettled.countDown();
    }
  }

  /// Ends the call: the caller is told at once, whatever becomes of the other rows.
  @Override
  public void refused(WaitingRow row, GatewayException reason) {
    refusal.compareAndSet(null, reason);
    for (WaitingRow any : rows) {
      settle(any, Outcome.failed(reason));
    }
  }

  /// Waits until every row is settled.
  ///
  /// @throws GatewayException when the call was refused, or the deadline passes first
  List<Outcome<Map<String, Tensor>>> await() throws InterruptedException {
    if (!unsettled.await(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS)) {
      throw Deadline.exceeded("the model's answer");
    }
    GatewayException refused = refusal.get();
    if (refused != null) {
      throw refused;
    }
    return answers();
  }

  /// The engine's fault is the call's when it left no row answered.
  private List<Outcome<Map<String, Tensor>>> answers() {
    List<Outcome<Map<String, Tensor>>> answers = new ArrayList<>();
    for (int place = 0; place < rows.size(); place++) {
      answers.add(requireNonNull(outcomes.get(place), "a settled row's outcome"));
    }
    boolean allBroke = answers.stream().allMatch(BatchedCall::isEngineFault);
    if (allBroke && answers.getFirst() instanceof Outcome.Failed<?>(GatewayException fault)) {
      throw fault;
    }
    return answers;
  }

  private static boolean isEngineFault(Outcome<?> outcome) {
    return outcome instanceof Outcome.Failed<?>(GatewayException refusal)
        && refusal.reason() == Reason.BACKEND_ERROR;
  }

  /// The caller has its answer, or wants none any more.
  void leave() {
    left = true;
  }

  boolean left() {
    return left;
  }
}
