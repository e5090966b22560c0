package dev.fovea.batch;

import static dev.fovea.engine.ContractModel.poisonedRow;
import static dev.fovea.engine.ContractModel.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.Engine;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Place;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What callers and instances see of batching: an engine is held at its first batches until calls
/// have piled up behind them.
@Timeout(60)
final class BatchingLeaseTest {
  private static final Clock CLOCK = Clock.system();

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final HeldScript script = new HeldScript();
  private Engine engine;
  private Lease lease;

  @BeforeEach
  void open() {
    engine = new BatchingEngine(new ScriptedEngine(script, CLOCK, 64), CLOCK, 64);
    lease = engine.open(ContractModel.servable());
  }

  @AfterEach
  void close() {
    script.release();
    callers.shutdownNow();
    lease.close();
    engine.close();
  }

  @Test
  void callsThatWaitTogetherRunTogether() throws Exception {
    occupyEveryInstance();
    List<Future<List<Outcome<Map<String, Tensor>>>>> calls = new ArrayList<>();
    for (int i = 0; i < ContractModel.MAX_BATCH_SIZE; i++) {
      calls.add(submit(row(i)));
    }
    awaitWaiting(ContractModel.MAX_BATCH_SIZE);

    script.release();

    for (int i = 0; i < calls.size(); i++) {
      assertThat(doubled(calls.get(i).get().getFirst())).containsExactly(2 * i + 1);
    }
    assertThat(script.batchSizes()).contains(ContractModel.MAX_BATCH_SIZE);
  }

  @Test
  void aCallLargerThanABatchIsAnsweredWholeAndInOrder() throws Exception {
    script.release();
    List<Map<String, Tensor>> rows = new ArrayList<>();
    for (int i = 0; i < 5 * ContractModel.MAX_BATCH_SIZE - 1; i++) {
      rows.add(row(i));
    }

    List<Outcome<Map<String, Tensor>>> outcomes = lease.infer(request(rows));

    for (int i = 0; i < rows.size(); i++) {
      assertThat(doubled(outcomes.get(i))).containsExactly(2 * i + 1);
    }
    assertThat(script.batchSizes()).allMatch(size -> size <= ContractModel.MAX_BATCH_SIZE);
  }

  @Test
  void theRowThatBreaksABatchIsFoundAndTheOthersAreAnswered() throws Exception {
    occupyEveryInstance();
    Future<List<Outcome<Map<String, Tensor>>>> first = submit(row(1));
    Future<List<Outcome<Map<String, Tensor>>>> broken = submit(poisonedRow(2));
    Future<List<Outcome<Map<String, Tensor>>>> mixed = submit(row(3), poisonedRow(4));
    awaitWaiting(4);

    script.release();

    assertThat(doubled(first.get().getFirst())).containsExactly(3);
    assertThat(doubled(mixed.get().getFirst())).containsExactly(7);
    assertThat(mixed.get().get(1))
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> assertThat(failed.refusal().reason()).isEqualTo(Reason.BACKEND_ERROR));
    assertRefused(Reason.BACKEND_ERROR, broken);
  }

  @Test
  void aModelThatIsBrokenIsNotTriedForEveryRow() throws Exception {
    occupyEveryInstance();
    int before = script.batchSizes().size();
    Future<?> broken = submit(poisonedRow(1), poisonedRow(2), poisonedRow(3), poisonedRow(4));
    awaitWaiting(4);

    script.release();

    assertRefused(Reason.BACKEND_ERROR, broken);
    // 4, 2, 1, 1 and no more of the other half's single rows.
    assertThat(script.batchSizes().size() - before).isLessThan(2 * 4 - 1);
  }

  @Test
  void whoHasGoneIsNotRun() throws Exception {
    occupyEveryInstance();
    Future<?> gone = submit(row(1, 1));
    awaitWaiting(1);
    gone.cancel(true);
    awaitWaiting(0);

    script.release();

    assertThat(doubled(lease.infer(request(List.of(row(2)))).getFirst())).containsExactly(5);
    assertThat(script.firstValues()).doesNotContain(1f);
  }

  @Test
  void roomThatWasKeptIsThereWhenTheRowsCome() throws Exception {
    occupyEveryInstance();
    int all = 64 * ContractModel.MAX_BATCH_SIZE;
    Deadline deadline = Deadline.after(CLOCK, Duration.ofSeconds(30));
    Place place = lease.reserve(all, deadline, Criticality.DEFAULT);
    assertRefused(Reason.QUEUE_FULL, submit(row(1)));

    Future<List<Outcome<Map<String, Tensor>>>> promised =
        callers.submit(() -> lease.infer(request(List.of(row(2)), place)));
    awaitWaiting(1);
    place.close();
    script.release();

    assertThat(doubled(promised.get().getFirst())).containsExactly(5);
  }

  @Test
  void roomThatWasKeptServesOnce() throws Exception {
    script.release();
    Place place =
        lease.reserve(1, Deadline.after(CLOCK, Duration.ofSeconds(30)), Criticality.DEFAULT);

    for (int i = 0; i < 2; i++) {
      assertThat(doubled(lease.infer(request(List.of(row(i)), place)).getFirst()))
          .containsExactly(2 * i + 1);
    }
    place.close();
    assertThat(lease.waiting()).isZero();
  }

  @Test
  void closingRefusesWhatWaits() throws Exception {
    occupyEveryInstance();
    Future<?> waiting = submit(row(1));
    awaitWaiting(1);
    Future<?> closing = callers.submit(lease::close);

    assertRefused(Reason.BACKEND_UNAVAILABLE, waiting);
    assertThat(lease.ready()).isFalse();
    script.release();
    closing.get();
  }

  /// A call for each instance, at which the script then holds it. Their first value is 0.
  private void occupyEveryInstance() {
    for (int i = 0; i < lease.slots(); i++) {
      Future<?> _ = submit(row(0, 0, 0));
      script.awaitHeld(i + 1);
    }
  }

  private void awaitWaiting(int rows) {
    BatchingLease batching = (BatchingLease) lease;
    while (batching.waiting() != rows) {
      Thread.onSpinWait();
    }
  }

  @SafeVarargs
  private Future<List<Outcome<Map<String, Tensor>>>> submit(Map<String, Tensor>... rows) {
    return callers.submit(() -> lease.infer(request(List.of(rows))));
  }

  private static InferRequest request(List<Map<String, Tensor>> rows) {
    return request(rows, Place.NONE);
  }

  private static InferRequest request(List<Map<String, Tensor>> rows, Place place) {
    return new InferRequest(
        rows,
        Set.of("doubled"),
        Deadline.after(CLOCK, Duration.ofSeconds(30)),
        Criticality.DEFAULT,
        place,
        new StageTimings(CLOCK, StageListener.none()));
  }

  private static float[] doubled(Outcome<Map<String, Tensor>> outcome) {
    if (outcome instanceof Outcome.Done<Map<String, Tensor>>(Map<String, Tensor> outputs)) {
      return outputs.get("doubled").toFloats();
    }
    throw new AssertionError(outcome);
  }

  private static void assertRefused(Reason reason, Future<?> call) {
    assertThatThrownBy(call::get)
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            GatewayException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }

  /// The contract's script, which holds every batch until it is released and remembers them.
  private static final class HeldScript implements Script {
    private final Script answers = new ContractScript();
    private final CountDownLatch released = new CountDownLatch(1);
    private final List<List<Map<String, Tensor>>> batches = new CopyOnWriteArrayList<>();

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      return answers.answer(model, row);
    }

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      batches.add(batch);
      try {
        released.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return Duration.ZERO;
    }

    void release() {
      released.countDown();
    }

    void awaitHeld(int count) {
      while (batches.size() < count) {
        Thread.onSpinWait();
      }
    }

    List<Integer> batchSizes() {
      return batches.stream().map(List::size).toList();
    }

    List<Float> firstValues() {
      return batches.stream().flatMap(List::stream).map(row -> row.get("x").toFloats()[0]).toList();
    }
  }
}
