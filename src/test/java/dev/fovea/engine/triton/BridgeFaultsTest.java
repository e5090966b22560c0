package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.row;
import static dev.fovea.engine.ContractModel.slowRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.FaultyWire;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import inference.ModelInferResponse;
import inference.ServerMetadataResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What goes wrong between the bridge and a server, and at a server: each fault has its refusal,
/// nothing hangs, and once it is over calls work again.
@Timeout(60)
final class BridgeFaultsTest {
  private static final Clock CLOCK = Clock.system();
  private static final int QUEUE_SIZE = 8;
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration WITHIN = Duration.ofSeconds(10);

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());
  private FakeTriton triton;
  private FaultyWire wire;
  private TritonEngine engine;
  private Lease lease;

  @BeforeEach
  void open() {
    triton = FakeTriton.start(new ContractScript(), ContractModel.servable());
    wire = FaultyWire.to(triton.port());
    engine = engine(wire.address());
    lease = engine.open(ContractModel.servable());
  }

  private static TritonEngine engine(String... servers) {
    return new TritonEngine(
        new TritonSettings(
            List.of(servers),
            2,
            QUEUE_SIZE,
            64 << 20,
            Duration.ofMillis(50),
            Duration.ofMillis(300),
            Duration.ofSeconds(10)),
        CLOCK);
  }

  @AfterEach
  void close() {
    callers.shutdownNow();
    engine.close();
    wire.close();
    triton.close();
  }

  @Test
  void serverThatIsKilledRefusesWhatWasUnderWayAndIsNotReady() throws Exception {
    Future<?> underWay = callers.submit(() -> infer(LONG, slowRow(1_000_000, 1)));
    Await.until("the request arrives", WITHIN, () -> triton.requests() == 1);

    triton.close();

    assertUnavailable("CONNECTION_LOST", underWay::get);
    Await.until("not ready", WITHIN, () -> !lease.ready());
    assertUnavailable("NO_SERVER", () -> infer(LONG, row(1)));
  }

  @Test
  void serverThatComesBackIsUsedAgain() throws Exception {
    int port = triton.port();
    triton.close();
    Await.until("not ready", WITHIN, () -> !lease.ready());

    triton = FakeTriton.startOn(port, new ContractScript(), ContractModel.servable());

    Await.until("ready", WITHIN, lease::ready);
    assertThat(infer(LONG, row(1))).containsExactly(3);
  }

  @Test
  void serverThatComesBackWithAnotherModelIsNotUsed() throws Exception {
    int port = triton.port();
    triton.close();
    triton = FakeTriton.startOn(port, new ContractScript(), ContractModel.servable());
    triton.describeModels(config -> config.toBuilder().setMaxBatchSize(2).build());

    Await.until("the difference is found", WITHIN, () -> !lease.faults().isEmpty());

    assertThat(lease.ready()).isFalse();
    assertThat(lease.faults().getFirst())
        .hasToString(
            "contract, as the server has it: max_batch_size: 2 (expected: 4, as the repository"
                + " says)");
    assertUnavailable("NO_SERVER", () -> infer(LONG, row(1)));
  }

  @Test
  void wireThatSwallowsEverythingCostsTheDeadlineAndThenNoMoreCalls() throws Exception {
    wire.silence();

    assertRefused(Reason.DEADLINE_EXCEEDED, () -> infer(Duration.ofMillis(100), row(1)));
    Await.until("not ready", WITHIN, () -> !lease.ready());
    assertUnavailable("NO_SERVER", () -> infer(LONG, row(1)));

    wire.heal();

    Await.until("ready over new connections", WITHIN, lease::ready);
    assertThat(infer(LONG, row(1))).containsExactly(3);
  }

  @Test
  void answerThatDripsCostsTheDeadlineAndNoMore() throws Exception {
    Future<?> dripped = callers.submit(() -> infer(Duration.ofMillis(800), slowRow(3000, 1, 2)));
    Await.until("the request arrives", WITHIN, () -> triton.requests() == 1);

    wire.drip();

    assertRefused(Reason.DEADLINE_EXCEEDED, dripped::get);
    wire.heal();
    Await.until("ready", WITHIN, lease::ready);
    assertThat(infer(LONG, row(1))).containsExactly(3);
  }

  @Test
  void connectionThatBreaksWithinAnAnswerIsNotTriedAgain() throws Exception {
    wire.resetAfter(100_000);

    assertUnavailable("CONNECTION_LOST", () -> infer(LONG, row(new float[1 << 20])));

    assertThat(triton.requests()).isEqualTo(1);
    wire.heal();
    // It may not have been noticed yet that the connection broke: ready is what it was.
    Await.until("answered", WITHIN, () -> answers(row(1)));
  }

  private boolean answers(Map<String, Tensor> row) {
    try {
      return infer(LONG, row)[0] == 3;
    } catch (GatewayException refusal) {
      assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_UNAVAILABLE);
      return false;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void garbageIsABrokenBackend() throws Exception {
    triton.setGarbage(true);
    assertRefused(Reason.BACKEND_ERROR, () -> infer(LONG, row(1)));

    triton.setGarbage(false);
    assertThat(infer(LONG, row(1))).containsExactly(3);
  }

  @Test
  void answerThatTheSignatureDoesNotAllowIsABrokenBackend() throws Exception {
    List<UnaryOperator<ModelInferResponse.Builder>> spoilt =
        List.of(
            answer -> answer.setModelName("another"),
            answer -> answer.clearOutputs(),
            answer -> answer.clearRawOutputContents(),
            answer -> answer.addRawOutputContents(ByteString.EMPTY),
            answer -> answer.setRawOutputContents(0, ByteString.copyFrom(new byte[7])),
            answer -> answer.setRawOutputContents(0, ByteString.EMPTY),
            answer ->
                answer
                    .addOutputs(answer.getOutputs(0))
                    .addRawOutputContents(answer.getRawOutputContents(0)),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().setName("other")),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().setDatatype("INT32")),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().setShape(0, 2)),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().setShape(1, -1)),
            answer ->
                answer.setOutputs(
                    0, answer.getOutputs(0).toBuilder().setShape(1, Long.MAX_VALUE / 2)),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().clearShape()),
            answer -> answer.setOutputs(0, answer.getOutputs(0).toBuilder().addShape(1)));

    for (UnaryOperator<ModelInferResponse.Builder> fault : spoilt) {
      triton.answer(answer -> fault.apply(answer.toBuilder()).build());
      assertThatThrownBy(() -> infer(LONG, row(1, 2)))
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> {
                assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_ERROR);
                assertThat(refusal).hasMessage("contract failed");
                assertThat(refusal.getCause()).isInstanceOf(MalformedAnswerException.class);
              });
    }
    triton.answer(UnaryOperator.identity());
    assertThat(infer(LONG, row(1))).containsExactly(3);
  }

  @Test
  void numbersThatAreNoneArriveAsTheyAre() throws Exception {
    assertThat(infer(LONG, row(Float.NaN, Float.POSITIVE_INFINITY)))
        .containsExactly(Float.NaN, Float.POSITIVE_INFINITY);
  }

  @Test
  void answerThatIsLargerThanIsReadIsABrokenBackend() throws Exception {
    try (TritonEngine small =
            new TritonEngine(
                new TritonSettings(
                    List.of(wire.address()),
                    1,
                    QUEUE_SIZE,
                    1000,
                    Duration.ofMillis(50),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(10)),
                CLOCK);
        Lease small1 = small.open(ContractModel.servable())) {
      assertRefused(Reason.BACKEND_ERROR, () -> infer(small1, LONG, row(new float[1000])));
    }
  }

  /// A status with a text of Triton's, and what a caller is told.
  private record Refused(Status status, Reason reason, String condition) {}

  @Test
  void everyStatusOfTheServerHasItsRefusal() {
    List<Refused> table =
        List.of(
            refused(
                Status.UNAVAILABLE,
                "Request for unknown model: 'contract' version 1 is not at ready state",
                Reason.BACKEND_UNAVAILABLE,
                "MODEL_NOT_READY"),
            refused(
                Status.NOT_FOUND,
                "Request for unknown model: 'contract' is not found",
                Reason.BACKEND_UNAVAILABLE,
                "MODEL_UNKNOWN"),
            refused(
                Status.NOT_FOUND,
                "Request for unknown model: 'contract' has no available versions",
                Reason.BACKEND_UNAVAILABLE,
                "MODEL_UNKNOWN"),
            refused(
                Status.UNAVAILABLE,
                "[request id: x] Exceeds maximum queue size",
                Reason.QUEUE_FULL,
                ""),
            refused(Status.UNAVAILABLE, "Request timeout expired", Reason.QUEUE_FULL, ""),
            refused(
                Status.UNAVAILABLE, "backlogged sequence has been expired", Reason.QUEUE_FULL, ""),
            refused(
                Status.UNAVAILABLE,
                "Server exiting",
                Reason.BACKEND_UNAVAILABLE,
                "SERVER_NOT_READY"),
            refused(
                Status.UNAVAILABLE,
                "Server not ready",
                Reason.BACKEND_UNAVAILABLE,
                "SERVER_NOT_READY"),
            refused(
                Status.UNAVAILABLE,
                "GRPC server is shutting down and has stopped accepting new requests.",
                Reason.BACKEND_UNAVAILABLE,
                "SERVER_NOT_READY"),
            refused(
                Status.UNAVAILABLE,
                "This protocol is restricted, expecting header 'triton-grpc-protocol-key'",
                Reason.BACKEND_UNAVAILABLE,
                "RESTRICTED"),
            refused(Status.CANCELLED, "", Reason.BACKEND_UNAVAILABLE, "ABANDONED"),
            refused(
                Status.UNIMPLEMENTED,
                "ModelInfer RPC doesn't support models with decoupled transaction policy",
                Reason.BACKEND_ERROR,
                ""),
            refused(
                Status.INVALID_ARGUMENT,
                "unexpected shape for input 'x' for model 'contract'",
                Reason.BACKEND_ERROR,
                ""),
            refused(Status.INTERNAL, "onnx runtime error 2", Reason.BACKEND_ERROR, ""),
            refused(
                Status.INTERNAL,
                "expected exactly one response from a non-decoupled model",
                Reason.BACKEND_ERROR,
                ""),
            refused(Status.UNKNOWN, "", Reason.BACKEND_ERROR, ""));
    for (Refused row : table) {
      triton.refuse(_ -> Optional.of(row.status()));
      assertThatThrownBy(() -> infer(LONG, row(1)))
          .as(row.status().toString())
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> {
                assertThat(refusal.reason()).isEqualTo(row.reason());
                assertThat(refusal.metadata().getOrDefault("condition", ""))
                    .isEqualTo(row.condition());
                String text = String.valueOf(row.status().getDescription());
                assertThat(refusal.getMessage() + refusal.metadata())
                    .doesNotContain(text.isEmpty() ? "secret" : text);
              });
    }
  }

  private static Refused refused(Status status, String text, Reason reason, String condition) {
    return new Refused(status.withDescription(text), reason, condition);
  }

  @Test
  void callerThatLeavesCancelsTheRequest() throws Exception {
    Future<?> gone = callers.submit(() -> infer(LONG, slowRow(1_000_000, 1)));
    Await.until("the request arrives", WITHIN, () -> triton.requests() == 1);

    gone.cancel(true);

    Await.until("the server is told", WITHIN, () -> triton.cancelled() == 1);
  }

  @Test
  void requestThatNeverBeganIsSentToAnotherServer() throws Exception {
    try (FakeTriton other = FakeTriton.start(new ContractScript(), ContractModel.servable());
        TritonEngine both = engine(wire.address(), other.address());
        Lease twice = both.open(ContractModel.servable())) {
      Await.until(
          "both are ready", WITHIN, () -> both.serversThatRun(ContractModel.servable()) == 2);
      triton.refuse(_ -> Optional.of(Status.UNAVAILABLE.withDescription("Server not ready")));

      for (int i = 0; i < 8; i++) {
        assertThat(infer(twice, LONG, row(i))).containsExactly(2 * i + 1);
      }
      assertThat(triton.requests()).isPositive();
    }
  }

  @Test
  void serverThatFailsEverythingCausesFewMoreCallsThanThereAre() throws Exception {
    try (FakeTriton other = FakeTriton.start(new ContractScript(), ContractModel.servable());
        TritonEngine both = engine(wire.address(), other.address());
        Lease twice = both.open(ContractModel.servable())) {
      Await.until(
          "both are ready", WITHIN, () -> both.serversThatRun(ContractModel.servable()) == 2);
      for (FakeTriton failing : List.of(triton, other)) {
        failing.refuse(_ -> Optional.of(Status.UNAVAILABLE.withDescription("Server not ready")));
      }

      for (int i = 0; i < 200; i++) {
        assertRefused(Reason.BACKEND_UNAVAILABLE, () -> infer(twice, LONG, row(1)));
      }

      assertThat(triton.requests() + other.requests()).isBetween(200, 220);
    }
  }

  @Test
  void deadServerOfThreeNeverTakesTheServiceWithIt() throws Exception {
    try (FakeTriton second = FakeTriton.start(new ContractScript(), ContractModel.servable());
        FakeTriton third = FakeTriton.start(new ContractScript(), ContractModel.servable());
        TritonEngine all = engine(wire.address(), second.address(), third.address());
        Lease thrice = all.open(ContractModel.servable())) {
      Await.until("all are ready", WITHIN, () -> all.serversThatRun(ContractModel.servable()) == 3);
      wire.silence();
      Await.until("one is out", WITHIN, () -> all.serversThatRun(ContractModel.servable()) == 2);

      for (int i = 0; i < 50; i++) {
        assertThat(infer(thrice, LONG, row(i))).containsExactly(2 * i + 1);
      }
    }
  }

  @Test
  void serverOfTheCoreProtocolIsComparedByItsTensors() throws Exception {
    try (FakeTriton core = FakeTriton.start(new ContractScript(), ContractModel.servable())) {
      core.describeAs(ServerMetadataResponse.newBuilder().setName("mlserver").build());
      try (TritonEngine bridge = engine(core.address());
          Lease served = bridge.open(ContractModel.servable())) {
        assertThat(infer(served, LONG, row(1))).containsExactly(3);
      }
      core.describeModels(config ->
          config.toBuilder()
              .setInput(0, config.getInput(0).toBuilder().addDims(3))
              .removeOutput(0)
              .build());
      try (TritonEngine bridge = engine(core.address());
          Lease refused = bridge.open(ContractModel.servable())) {
        assertThat(refused.ready()).isFalse();
        assertThat(refused.faults().toString())
            .contains(
                "input.x: FP32 [-1,3] (expected: FP32 [-1], as the repository says)",
                "output.doubled: missing");
      }
    }
  }

  private float[] infer(Duration time, Map<String, Tensor> row) throws InterruptedException {
    return infer(lease, time, row);
  }

  private float[] infer(Lease lease, Duration time, Map<String, Tensor> row)
      throws InterruptedException {
    return Rows.doubled(
        lease,
        new InferRequest(List.of(row), Set.of("doubled"), Deadline.after(CLOCK, time), timings));
  }

  private static void assertUnavailable(String condition, ThrowingCallable call) {
    assertThat(refusal(call))
        .satisfies(refusal -> {
          assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_UNAVAILABLE);
          assertThat(refusal.metadata()).containsEntry("condition", condition);
          assertThat(refusal.retryAfter()).isPresent();
        });
  }

  private static void assertRefused(Reason reason, ThrowingCallable call) {
    assertThat(refusal(call).reason()).isEqualTo(reason);
  }

  private static GatewayException refusal(ThrowingCallable call) {
    try {
      call.call();
    } catch (Throwable e) {
      Throwable thrown = e instanceof java.util.concurrent.ExecutionException ? e.getCause() : e;
      assertThat(thrown).isInstanceOf(GatewayException.class);
      return (GatewayException) thrown;
    }
    throw new AssertionError("no refusal");
  }
}
