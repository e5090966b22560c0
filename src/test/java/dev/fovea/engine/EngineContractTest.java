package dev.fovea.engine;

import static dev.fovea.engine.ContractModel.poisonedRow;
import static dev.fovea.engine.ContractModel.row;
import static dev.fovea.engine.ContractModel.slowRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What every engine must do, whatever it runs on. A subclass opens one, with a queue of
/// [#QUEUE_SIZE] batches.
@Timeout(60)
public abstract class EngineContractTest {
  protected static final int QUEUE_SIZE = 8;

  /// Turns that no engine finishes within these tests: only a deadline, an interrupt or the end of
  /// the test stops them.
  protected static final long FOR_EVER = 100_000_000;

  private static final Clock CLOCK = Clock.system();

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());
  private Engine engine;
  private Lease lease;

  protected abstract Engine engine(Clock clock);

  /// The bound that a full queue names.
  protected int queueLimit() {
    return QUEUE_SIZE;
  }

  @BeforeEach
  void open() {
    engine = engine(CLOCK);
    lease = engine.open(ContractModel.servable());
  }

  @AfterEach
  void close() {
    callers.shutdownNow();
    lease.close();
    engine.close();
  }

  @Test
  void answersEachRowWithItsOwnOutput() throws Exception {
    List<Outcome<Map<String, Tensor>>> outcomes = infer(row(1, 2), row(3, 4), row(5, 6));

    assertThat(doubled(outcomes.get(0))).containsExactly(3, 5);
    assertThat(doubled(outcomes.get(1))).containsExactly(7, 9);
    assertThat(doubled(outcomes.get(2))).containsExactly(11, 13);
  }

  @Test
  void rowsOfDifferentShapeMayBeMixed() throws Exception {
    List<Outcome<Map<String, Tensor>>> outcomes = infer(row(1), row(2, 3), row(4), row(5, 6, 7));

    assertThat(doubled(outcomes.get(0))).containsExactly(3);
    assertThat(doubled(outcomes.get(1))).containsExactly(5, 7);
    assertThat(doubled(outcomes.get(2))).containsExactly(9);
    assertThat(doubled(outcomes.get(3))).containsExactly(11, 13, 15);
  }

  @Test
  void moreRowsThanOneExecutionTakesAreAnsweredInOrder() throws Exception {
    List<Map<String, Tensor>> rows = new ArrayList<>();
    for (int i = 0; i < 3 * ContractModel.MAX_BATCH_SIZE + 1; i++) {
      rows.add(row(i));
    }

    List<Outcome<Map<String, Tensor>>> outcomes = infer(request(rows, "doubled"));

    assertThat(outcomes).hasSameSizeAs(rows);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(doubled(outcomes.get(i))).containsExactly(2 * i + 1);
    }
  }

  @Test
  void givesTheOutputsThatAreWantedAndNoOther() throws Exception {
    Outcome<Map<String, Tensor>> one = infer(request(List.of(row(1)), "copied")).getFirst();
    Outcome<Map<String, Tensor>> both =
        infer(request(List.of(row(1)), "copied", "doubled")).getFirst();

    assertThat(outputs(one)).containsOnlyKeys("copied");
    assertThat(outputs(both)).containsOnlyKeys("copied", "doubled");
  }

  @Test
  void rowsMayBeWrittenAgainOnceAnsweredAndAnswersStay() throws Exception {
    Tensor memory = lease.allocate(DataType.FP32, Shape.of(1));
    Map<String, Tensor> reused = new HashMap<>(row(0));
    reused.put("x", memory);
    memory.data().copyFrom(Tensor.ofFloats(Shape.of(1), 10).data());
    Outcome<Map<String, Tensor>> first = infer(reused).getFirst();
    memory.data().copyFrom(Tensor.ofFloats(Shape.of(1), 20).data());
    Outcome<Map<String, Tensor>> second = infer(reused).getFirst();

    assertThat(doubled(first)).containsExactly(21);
    assertThat(doubled(second)).containsExactly(41);
  }

  @Test
  void memoryIsGivenOutAsZeros() {
    assertThat(lease.allocate(DataType.FP32, Shape.of(3)).toFloats()).containsExactly(0, 0, 0);
  }

  @Test
  void refusesARowThatTheSignatureDoesNotAllow() {
    Map<String, Tensor> wrongType = new HashMap<>(row(1));
    wrongType.put("spin", Tensor.ofFloats(Shape.of(1), 0));
    Map<String, Tensor> missing = new HashMap<>(row(1));
    missing.remove("index");
    Map<String, Tensor> surplus = new HashMap<>(row(1));
    surplus.put("y", Tensor.ofFloats(Shape.of(1), 0));

    for (Map<String, Tensor> bad : List.of(wrongType, missing, surplus)) {
      assertThatThrownBy(() -> infer(row(1), bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void callsAtOnceNeverGetEachOthersAnswers() throws Exception {
    List<Callable<Void>> calls = new ArrayList<>();
    for (int caller = 0; caller < QUEUE_SIZE / 2; caller++) {
      Random random = new Random(caller);
      calls.add(() -> {
        for (int i = 0; i < 200; i++) {
          List<Map<String, Tensor>> rows = new ArrayList<>();
          List<float[]> xs = new ArrayList<>();
          for (int r = 0; r <= random.nextInt(3); r++) {
            float[] x = new float[1 + random.nextInt(2)];
            for (int k = 0; k < x.length; k++) {
              x[k] = random.nextInt(1 << 20);
            }
            xs.add(x);
            rows.add(row(x));
          }
          List<Outcome<Map<String, Tensor>>> outcomes = infer(request(rows, "copied"));
          for (int r = 0; r < xs.size(); r++) {
            assertThat(outputs(outcomes.get(r)).get("copied").toFloats())
                .containsExactly(xs.get(r));
          }
        }
        return null;
      });
    }
    for (Future<Void> call : callers.invokeAll(calls)) {
      call.get();
    }
  }

  @Test
  void deadlineThatHasPassedIsRefusedWithoutWork() {
    InferRequest late =
        new InferRequest(
            List.of(row(1)), Set.of("doubled"), Deadline.after(CLOCK, Duration.ZERO), timings);

    assertRefused(Reason.DEADLINE_EXCEEDED, () -> lease.infer(late));
    assertThat(timings.nanos(Stage.BACKEND)).isZero();
  }

  @Test
  void deadlineEndsAnExecutionAndTheNextCallWorks() throws Exception {
    InferRequest slow =
        new InferRequest(
            List.of(slowRow(FOR_EVER, 1), slowRow(FOR_EVER, 2)),
            Set.of("doubled"),
            Deadline.after(CLOCK, Duration.ofMillis(30)),
            timings);

    assertRefused(Reason.DEADLINE_EXCEEDED, () -> lease.infer(slow));
    assertThat(doubled(infer(row(1)).getFirst())).containsExactly(3);
  }

  @Test
  void interruptEndsAnExecutionAndTheNextCallWorks() throws Exception {
    Future<?> gone =
        callers.submit(() -> lease.infer(request(List.of(slowRow(FOR_EVER, 1)), "doubled")));
    gone.cancel(true);

    assertThat(doubled(infer(row(1, 2)).getFirst())).containsExactly(3, 5);
  }

  @Test
  void answersLaterWhatItAnswers() throws Exception {
    List<CompletableFuture<List<Outcome<Map<String, Tensor>>>>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(lease.inferLater(request(List.of(row(i, 1), row(2), row(i, 3)), "doubled")));
    }

    for (int i = 0; i < 4; i++) {
      List<Outcome<Map<String, Tensor>>> answer = answers.get(i).get();
      assertThat(doubled(answer.get(0))).containsExactly(2 * i + 1, 3);
      assertThat(doubled(answer.get(1))).containsExactly(5);
      assertThat(doubled(answer.get(2))).containsExactly(2 * i + 1, 7);
    }
  }

  @Test
  void refusesLaterAsItRefuses() {
    InferRequest late =
        new InferRequest(
            List.of(row(1)), Set.of("doubled"), Deadline.after(CLOCK, Duration.ZERO), timings);
    InferRequest slow =
        new InferRequest(
            List.of(slowRow(FOR_EVER, 1)),
            Set.of("doubled"),
            Deadline.after(CLOCK, Duration.ofMillis(30)),
            timings);
    InferRequest broken = request(List.of(poisonedRow(1)), "doubled");

    assertThat(refusal(lease.inferLater(late))).isEqualTo(Reason.DEADLINE_EXCEEDED);
    assertThat(refusal(lease.inferLater(slow))).isEqualTo(Reason.DEADLINE_EXCEEDED);
    assertThat(refusal(lease.inferLater(broken))).isEqualTo(Reason.BACKEND_ERROR);
  }

  private static Reason refusal(CompletableFuture<?> answer) {
    return answer
        .handle((_, failure) -> failure)
        .thenApply(failure -> ((GatewayException) failure).reason())
        .join();
  }

  @Test
  void cancelledAnswerEndsItsExecutionAndTheNextCallWorks() throws Exception {
    for (int i = 0; i < 2 * ContractModel.INSTANCES; i++) {
      lease.inferLater(request(List.of(slowRow(FOR_EVER, 1)), "doubled")).cancel(false);
    }

    assertThat(doubled(infer(row(1, 2)).getFirst())).containsExactly(3, 5);
  }

  @Test
  void brokenExecutionRefusesItsCallAndTheNextCallWorks() throws Exception {
    assertThatThrownBy(() -> infer(poisonedRow(1)))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_ERROR);
              assertThat(refusal).hasMessage("contract failed");
              assertThat(refusal.getCause()).isNotNull();
            });
    assertThat(doubled(infer(row(1)).getFirst())).containsExactly(3);
  }

  @Test
  void fullQueueRefusesAtOnceAndSaysWhenToComeBack() throws Exception {
    CompletionService<List<Outcome<Map<String, Tensor>>>> slow =
        new ExecutorCompletionService<>(callers);
    List<Future<?>> calls = new ArrayList<>();
    List<Map<String, Tensor>> fullBatch =
        Collections.nCopies(ContractModel.MAX_BATCH_SIZE, slowRow(FOR_EVER, 1));
    for (int i = 0; i < ContractModel.INSTANCES + QUEUE_SIZE + 1; i++) {
      calls.add(slow.submit(() -> lease.infer(request(fullBatch, "doubled"))));
    }
    // None of them can finish, and not all have a place: the first to end is one that was refused.
    assertThatThrownBy(() -> slow.take().get())
        .hasCauseInstanceOf(GatewayException.class)
        .cause()
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.QUEUE_FULL);
              assertThat(refusal.retryAfter()).isPresent();
              assertThat(refusal.metadata())
                  .containsEntry("queue", "contract")
                  .containsEntry("limit", String.valueOf(queueLimit()));
            });
    calls.forEach(call -> call.cancel(true));
    // Of another shape, so that it never shares an execution with one that is being cancelled.
    assertThat(doubled(inferOnceThereIsRoom(row(1, 2)))).containsExactly(3, 5);
  }

  private Outcome<Map<String, Tensor>> inferOnceThereIsRoom(Map<String, Tensor> row)
      throws Exception {
    while (true) {
      try {
        return infer(row).getFirst();
      } catch (GatewayException refusal) {
        assertThat(refusal.reason()).isEqualTo(Reason.QUEUE_FULL);
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void timeInTheEngineIsAccountedFor() throws Exception {
    infer(slowRow(50, 1));

    assertThat(timings.nanos(Stage.BACKEND)).isPositive();
    assertThat(timings.nanos(Stage.QUEUE)).isNotNegative();
  }

  @Test
  void closedLeaseRefusesAsUnavailable() throws Exception {
    infer(row(1));
    assertThat(lease.ready()).isTrue();

    lease.close();

    assertThat(lease.ready()).isFalse();
    assertRefused(Reason.BACKEND_UNAVAILABLE, () -> infer(row(1)));
  }

  @Test
  void closingLetsAnExecutionThatIsUnderWayFinish() throws Exception {
    Future<List<Outcome<Map<String, Tensor>>>> underWay =
        callers.submit(() -> lease.infer(request(List.of(slowRow(200, 4)), "doubled")));
    while (timings.nanos(Stage.QUEUE) == 0) {
      Thread.onSpinWait();
    }

    lease.close();

    assertThat(doubled(underWay.get(30, TimeUnit.SECONDS).getFirst())).containsExactly(9);
  }

  @Test
  void saysHowManyExecutionsRunAtOnce() {
    assertThat(lease.slots()).isEqualTo(ContractModel.INSTANCES);
  }

  @SafeVarargs
  private List<Outcome<Map<String, Tensor>>> infer(Map<String, Tensor>... rows)
      throws InterruptedException {
    return infer(request(List.of(rows), "doubled"));
  }

  private List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    return lease.infer(request);
  }

  private InferRequest request(List<Map<String, Tensor>> rows, String... outputs) {
    return new InferRequest(
        rows, Set.of(outputs), Deadline.after(CLOCK, Duration.ofSeconds(30)), timings);
  }

  private static Map<String, Tensor> outputs(Outcome<Map<String, Tensor>> outcome) {
    if (outcome instanceof Outcome.Done<Map<String, Tensor>>(Map<String, Tensor> outputs)) {
      return outputs;
    }
    throw new AssertionError(outcome);
  }

  private static float[] doubled(Outcome<Map<String, Tensor>> outcome) {
    return outputs(outcome).get("doubled").toFloats();
  }

  private static void assertRefused(Reason reason, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            GatewayException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }
}
