package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.poisonedRow;
import static dev.fovea.engine.ContractModel.row;
import static dev.fovea.engine.ContractModel.slowRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import inference.ModelInferRequest;
import inference.RepositoryModelLoadRequest;
import inference.SystemSharedMemoryRegisterRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A real Triton that is killed, stopped, started again, or asked for what it refuses: its own
/// statuses and texts, as [Meaning] reads them.
@Timeout(180)
final class RealTritonFaultsTest {
  private static final Clock CLOCK = Clock.system();

  /// Readiness follows the truth within this time.
  private static final Duration READINESS = Duration.ofSeconds(2);

  private static final Duration LONG = Duration.ofSeconds(60);

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());

  @AfterEach
  void close() {
    callers.shutdownNow();
  }

  @Test
  void killedStartedAgainStoppedAndContinued() throws Exception {
    try (RealTriton triton = RealTriton.start();
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      Future<?> underWay = callers.submit(() -> infer(lease, LONG, slowRow(100_000_000, 1)));
      // Of another shape, so that the server does not put it into the slow one's batch.
      infer(lease, LONG, row(1, 2));

      triton.signal("KILL");

      assertThatThrownBy(underWay::get)
          .hasCauseInstanceOf(GatewayException.class)
          .cause()
          .satisfies(is(Reason.BACKEND_UNAVAILABLE));
      Await.until("not ready", READINESS, () -> !lease.ready());
      assertThatThrownBy(() -> infer(lease, LONG, row(1)))
          .satisfies(is(Reason.BACKEND_UNAVAILABLE));

      triton.restart();

      Await.until("ready", READINESS, lease::ready);
      assertThat(infer(lease, LONG, row(1))).containsExactly(3);

      triton.signal("STOP");

      assertThatThrownBy(() -> infer(lease, Duration.ofMillis(100), row(1)))
          .satisfies(is(Reason.DEADLINE_EXCEEDED));
      Await.until("not ready", READINESS, () -> !lease.ready());

      triton.signal("CONT");

      Await.until("ready", READINESS, lease::ready);
      assertThat(infer(lease, LONG, row(1))).containsExactly(3);
    }
  }

  @Test
  void fullQueueAndTimeInTheQueue() throws Exception {
    try (TritonEngine engine =
            new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 64), CLOCK);
        Lease lease = engine.open(TestModels.narrow())) {
      Future<?> running = callers.submit(() -> infer(lease, LONG, slowRow(100_000_000, 1)));
      List<Future<?>> more = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        more.add(callers.submit(() -> infer(lease, LONG, slowRow(100_000_000, 1))));
      }
      // One runs, and at most two wait: the others were refused by the server.
      Await.until(
          "the queue is full",
          Duration.ofSeconds(20),
          () -> more.stream().filter(Future::isDone).count() >= 5);
      for (Future<?> call : more) {
        if (call.isDone()) {
          assertThatThrownBy(call::get).cause().satisfies(is(Reason.QUEUE_FULL));
        }
      }
      more.forEach(call -> call.cancel(true));
      running.cancel(true);
      Await.until("there is room again", Duration.ofSeconds(20), () -> answers(lease));
    }
  }

  private boolean answers(Lease lease) {
    try {
      return infer(lease, LONG, row(1))[0] == 3;
    } catch (GatewayException e) {
      assertThat(e).satisfies(is(Reason.QUEUE_FULL));
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void deadlineGoesAlongAsTheTimeInTheQueue() throws Exception {
    try (TritonEngine engine =
            new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 64), CLOCK);
        Lease lease = engine.open(TestModels.narrow())) {
      Future<?> running = callers.submit(() -> infer(lease, LONG, slowRow(100_000_000, 1)));
      // It may overtake the other, and is answered; or come while the other is still in the queue,
      // which holds one. Then it is asked once more.
      assertThatThrownBy(
              () -> {
                while (true) {
                  inferUnlessFull(lease, Duration.ofMillis(200), row(1));
                }
              })
          .satisfies(is(Reason.DEADLINE_EXCEEDED));
      running.cancel(true);
    }
  }

  private void inferUnlessFull(Lease lease, Duration time, Map<String, Tensor> row)
      throws InterruptedException {
    try {
      var _ = infer(lease, time, row);
    } catch (GatewayException refusal) {
      if (refusal.reason() != Reason.QUEUE_FULL) {
        throw refusal;
      }
    }
  }

  @Test
  void statusesOfTheServerAreReadAsTheyAreMeant() {
    String address = RealTriton.shared().address();
    assertThat(meaning(address, stub -> stub.modelInfer(request("nothing", 1, "x"))))
        .isEqualTo(Meaning.MODEL_UNKNOWN);
    assertThat(
            meaning(
                address,
                stub ->
                    stub.modelInfer(
                        request("contract", 1, "x").toBuilder().setModelVersion("7").build())))
        .isIn(Meaning.MODEL_UNKNOWN, Meaning.MODEL_NOT_READY);
    assertThat(meaning(address, stub -> stub.modelInfer(request("contract", 1, "y"))))
        .isEqualTo(Meaning.NOT_TAKEN);
    assertThat(meaning(address, stub -> stub.modelInfer(request("contract", 5, "x"))))
        .isEqualTo(Meaning.NOT_TAKEN);
    assertThat(meaning(address, stub -> stub.modelInfer(request("drip", 1, "count"))))
        .isEqualTo(Meaning.NOT_TAKEN);
    assertThat(meaning(address, stub -> stub.modelInfer(request("steps", 1, "token"))))
        .isEqualTo(Meaning.NOT_TAKEN);
    assertThat(
            meaning(
                address,
                stub ->
                    stub.repositoryModelLoad(
                        RepositoryModelLoadRequest.newBuilder().setModelName("contract").build())))
        .isIn(Meaning.CONNECTION_LOST, Meaning.SERVER_NOT_READY);
    assertThat(
            meaning(
                address,
                stub ->
                    stub.systemSharedMemoryRegister(
                        SystemSharedMemoryRegisterRequest.newBuilder()
                            .setName("none")
                            .setKey("/no-such-region")
                            .setByteSize(4096)
                            .build())))
        .isIn(Meaning.NOT_TAKEN, Meaning.EXECUTION_FAILED);
  }

  @Test
  void executionThatFailsIsABrokenBackend() {
    try (TritonEngine engine =
            new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 8), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      assertThatThrownBy(() -> infer(lease, LONG, poisonedRow(1)))
          .satisfies(is(Reason.BACKEND_ERROR))
          .hasMessage("contract failed");
    }
  }

  @Test
  void restrictedServerSaysSo() throws Exception {
    try (RealTriton triton =
            RealTriton.start("--grpc-restricted-protocol=inference:fovea-key=secret");
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      assertThatThrownBy(() -> infer(lease, LONG, row(1)))
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> {
                assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_UNAVAILABLE);
                assertThat(refusal.metadata()).containsEntry("condition", "RESTRICTED");
              });
    }
  }

  @Test
  void modelThatTheServerDoesNotHaveIsNotReady() {
    ServableModel missing = TestModels.servable("missing", ContractModel.signature(), 1);
    try (TritonEngine engine =
            new TritonEngine(
                new TritonSettings(
                    List.of(RealTriton.shared().address()),
                    1,
                    8,
                    1 << 20,
                    Duration.ofMillis(100),
                    Duration.ofSeconds(1),
                    Duration.ofMillis(500)),
                CLOCK);
        Lease lease = engine.open(missing)) {
      assertThat(lease.ready()).isFalse();
      assertThat(lease.faults()).isEmpty();
    }
  }

  private static Consumer<Throwable> is(Reason reason) {
    return thrown ->
        assertThat(thrown)
            .isInstanceOfSatisfying(
                GatewayException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }

  /// A request of so many rows with one input, zeros.
  private static ModelInferRequest request(String model, int rows, String input) {
    boolean number = input.equals("x") || input.equals("y");
    ModelInferRequest.InferInputTensor tensor =
        ModelInferRequest.InferInputTensor.newBuilder()
            .setName(input)
            .setDatatype(number ? "FP32" : "INT64")
            .addShape(rows)
            .addShape(1)
            .build();
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .addInputs(tensor)
        .addRawInputContents(
            com.google.protobuf.ByteString.copyFrom(new byte[rows * (number ? 4 : 8)]))
        .build();
  }

  private static Meaning meaning(String address, Consumer<GRPCInferenceServiceBlockingStub> call) {
    ManagedChannel channel = NettyChannelBuilder.forTarget(address).usePlaintext().build();
    try {
      call.accept(
          GRPCInferenceServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(20, TimeUnit.SECONDS));
      throw new AssertionError("not refused");
    } catch (StatusRuntimeException e) {
      Status status = e.getStatus();
      assertThat(status.getDescription()).isNotEmpty();
      return Meaning.of(status, true);
    } finally {
      channel.shutdownNow();
    }
  }

  private float[] infer(Lease lease, Duration time, Map<String, Tensor> row)
      throws InterruptedException {
    return Rows.doubled(
        lease,
        new InferRequest(List.of(row), Set.of("doubled"), Deadline.after(CLOCK, time), timings));
  }
}
