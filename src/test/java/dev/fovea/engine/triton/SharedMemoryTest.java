package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.poisonedRow;
import static dev.fovea.engine.ContractModel.row;
import static dev.fovea.engine.ContractModel.slowRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.TritonSettings.Sharing;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeClock;
import dev.fovea.fake.FakeTriton;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/// Tensors in memory that the server maps too: when they lie there, and what becomes of the memory
/// when either side does not do as it should.
@Timeout(60)
@EnabledOnOs(OS.LINUX)
final class SharedMemoryTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration WITHIN = Duration.ofSeconds(10);

  /// Room for one request of one row, and not for two.
  private static final long ONE_REQUEST = 320;

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final FakeClock clock = new FakeClock();
  private final StageTimings timings = new StageTimings(clock, StageListener.none());
  private final int regionsBefore = SharedRegion.inUse();
  private FakeTriton triton;
  private TritonEngine engine;
  private Lease lease;

  @BeforeEach
  void open() {
    triton = FakeTriton.start(new ContractScript(), model());
    connect(ONE_REQUEST, 1);
  }

  /// The contract model for rows of two numbers, so that the size of an answer is known.
  private static ServableModel model() {
    return ContractModel.servable(
        new Signature(
            List.of(
                new TensorSpec("x", DataType.FP32, Shape.of(Shape.ANY)),
                new TensorSpec("spin", DataType.INT64, Shape.of(1)),
                new TensorSpec("index", DataType.INT64, Shape.of(1))),
            List.of(
                new TensorSpec("doubled", DataType.FP32, Shape.of(2)),
                new TensorSpec("copied", DataType.FP32, Shape.of(Shape.ANY))),
            ContractModel.MAX_BATCH_SIZE),
        Map.of());
  }

  private void connect(long bytes, long fromBytes) {
    engine =
        new TritonEngine(
            new TritonSettings(
                    List.of(triton.address()),
                    2,
                    8,
                    64 << 20,
                    Duration.ofMillis(20),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(10))
                .with(new Sharing(bytes, fromBytes)),
            clock);
    lease = engine.open(model());
    if (bytes > 0) {
      Await.until("what can be shared is known", WITHIN, () -> isShared() || !allows);
    }
  }

  private boolean allows = true;

  private boolean isShared() {
    return engine.pool().servers().getFirst().memory().isShared();
  }

  @AfterEach
  void close() throws IOException {
    callers.shutdownNow();
    lease.close();
    engine.close();
    triton.close();
    assertThat(SharedRegion.inUse()).isEqualTo(regionsBefore);
    assertThat(files()).isEmpty();
  }

  /// Regions that have a name in the file system.
  private static List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(SharedMemoryOwner.FOLDER, "fovea-*-*")) {
      all.forEach(files::add);
    }
    return files;
  }

  @Test
  void inputsAndOutputsOfKnownSizeLieInMemoryWithoutAName() throws Exception {
    triton.answer(response -> {
      int doubled = response.getOutputs(0).getName().equals("doubled") ? 0 : 1;
      assertThat(response.getRawOutputContents(doubled).size()).isZero();
      assertThat(response.getRawOutputContents(1 - doubled).size()).isEqualTo(8);
      return response;
    });

    Map<String, Tensor> answer =
        ((Outcome.Done<Map<String, Tensor>>)
                lease.infer(request(LONG, Set.of("doubled", "copied"), row(1, 2))).getFirst())
            .value();

    assertThat(answer.get("doubled").toFloats()).containsExactly(3, 5);
    assertThat(answer.get("copied").toFloats()).containsExactly(1, 2);
    assertThat(triton.sharedRequests()).isOne();
    assertThat(files()).isEmpty();
  }

  @Test
  void smallRequestsTravelInTheMessage() throws Exception {
    lease.close();
    engine.close();
    connect(1 << 16, 1000);

    infer(LONG, row(1, 2));
    assertThat(triton.sharedRequests()).isZero();
    lease.infer(request(LONG, Set.of("copied"), row(new float[250])));

    assertThat(triton.sharedRequests()).isOne();
  }

  @Test
  void answersStayWhenTheMemoryIsUsedAgain() throws Exception {
    float[] first = infer(LONG, row(1, 2));
    infer(LONG, row(7, 8));

    assertThat(first).containsExactly(3, 5);
    assertThat(triton.sharedRequests()).isEqualTo(2);
  }

  @Test
  void requestThatFindsNoRoomTravelsInTheMessage() throws Exception {
    Future<float[]> slow = callers.submit(() -> infer(LONG, slowRow(2_000, 1, 2)));
    Await.until("the request arrives", WITHIN, () -> triton.sharedRequests() == 1);

    assertThat(infer(LONG, row(3, 4))).containsExactly(7, 9);

    assertThat(triton.sharedRequests()).isOne();
    assertThat(slow.get()).containsExactly(3, 5);
  }

  @Test
  void memoryOfARequestThatFailedIsUsedAgain() throws Exception {
    assertThatThrownBy(() -> infer(LONG, poisonedRow(1, 2)))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_ERROR));

    infer(LONG, row(1, 2));

    assertThat(triton.sharedRequests()).isEqualTo(2);
  }

  @Test
  void memoryThatTheServerMayStillReadIsNeverUsedAgain() throws Exception {
    String region = triton.regions().iterator().next();
    Future<float[]> gone = callers.submit(() -> infer(LONG, slowRow(100_000, 1, 2)));
    Await.until("the request arrives", WITHIN, () -> triton.sharedRequests() == 1);

    gone.cancel(true);
    Await.until(
        "another region is there",
        WITHIN,
        () ->
            triton.regions().size() == 2
                && isShared()
                && !engine.pool().servers().getFirst().memory().wantsTending());

    assertThat(infer(LONG, row(3, 4))).containsExactly(7, 9);
    assertThat(triton.sharedRequests()).isEqualTo(2);
    assertThat(triton.regions()).contains(region);
    clock.advance(Duration.ofSeconds(61));
    Await.until("the old one is forgotten", WITHIN, () -> triton.regions().size() == 1);
    assertThat(triton.regions()).doesNotContain(region);
  }

  @Test
  void serverThatComesBackGetsARegionOfItsOwn() throws Exception {
    infer(LONG, row(1, 2));
    Set<String> regions = triton.regions();
    int port = triton.port();
    triton.close();
    Await.until("not ready", WITHIN, () -> !lease.ready());
    triton = FakeTriton.startOn(port, new ContractScript(), model());
    Await.until("a region is there", WITHIN, () -> !triton.regions().isEmpty());
    Await.until("ready", WITHIN, lease::ready);

    assertThat(infer(LONG, row(3, 4))).containsExactly(7, 9);

    assertThat(triton.sharedRequests()).isOne();
    assertThat(triton.regions()).hasSize(1).doesNotContainAnyElementsOf(regions);
  }

  @Test
  void serverThatForgetsTheRegionGetsTheRequestInAMessage() throws Exception {
    Set<String> regions = triton.regions();
    triton.forgetRegions();

    assertThat(infer(LONG, row(1, 2))).containsExactly(3, 5);

    Await.until("a region is there", WITHIN, () -> !triton.regions().isEmpty());
    assertThat(triton.regions()).doesNotContainAnyElementsOf(regions);
    Await.until("it is used", WITHIN, this::isShared);
    assertThat(infer(LONG, row(3, 4))).containsExactly(7, 9);
    assertThat(triton.sharedRequests()).isOne();
  }

  @Test
  void serverThatAllowsNoneGetsEverythingInMessages() throws Exception {
    lease.close();
    engine.close();
    triton.setSharing(false);
    allows = false;
    connect(ONE_REQUEST, 1);

    assertThat(infer(LONG, row(1, 2))).containsExactly(3, 5);

    assertThat(triton.sharedRequests()).isZero();
    assertThat(triton.regions()).isEmpty();
  }

  @Test
  void regionsOfProcessesThatEndedAreUnregistered() throws Exception {
    lease.close();
    engine.close();
    assertThat(triton.regions()).isEmpty();
    triton.putRegion("fovea-" + "ab".repeat(16) + "-1");
    triton.putRegion("somebody-else");

    connect(ONE_REQUEST, 1);

    Await.until(
        "what the dead left is gone",
        WITHIN,
        () -> triton.regions().size() == 2 && triton.regions().contains("somebody-else"));
    triton.forgetRegions();
  }

  @Test
  void howeverManyCallersLeaveTheMemoryStaysBounded() throws Exception {
    for (int i = 0; i < 200; i++) {
      try {
        infer(Duration.ofNanos(1 + i * 50_000L), slowRow(i % 3, 1, 2));
      } catch (GatewayException e) {
        assertThat(e.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED);
      }
      Future<float[]> call = callers.submit(() -> infer(LONG, slowRow(1_000, 1, 2)));
      Future<float[]> other = callers.submit(() -> infer(LONG, row(3, 4)));
      assertThat(other.get()).containsExactly(7, 9);
      call.cancel(true);
      assertThat(SharedRegion.inUse()).isLessThanOrEqualTo(SharedRegion.MAX_REGIONS);
      assertThat(triton.regions().size()).isLessThanOrEqualTo(SharedRegion.MAX_REGIONS);
    }
    assertThat(infer(LONG, row(3, 4))).containsExactly(7, 9);
  }

  private float[] infer(Duration time, Map<String, Tensor> row) throws InterruptedException {
    return Rows.doubled(lease, request(time, Set.of("doubled"), row));
  }

  @SafeVarargs
  private InferRequest request(Duration time, Set<String> outputs, Map<String, Tensor>... rows) {
    return new InferRequest(List.of(rows), outputs, Deadline.after(clock, time), timings);
  }
}
