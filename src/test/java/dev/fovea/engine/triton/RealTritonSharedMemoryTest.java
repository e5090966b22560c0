package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.row;
import static dev.fovea.engine.ContractModel.slowRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.TritonSettings.Sharing;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.RealTriton;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The bridge to a real Triton that reads every tensor from shared memory, however small.
@Timeout(180)
final class RealTritonSharedMemoryTest extends EngineContractTest {
  private static final Clock CLOCK = Clock.system();
  private static final Duration LONG = Duration.ofSeconds(60);

  /// A line of `/proc/PID/maps` about memory of this program: from, to, inode.
  private static final Pattern MAPPING =
      Pattern.compile(
          "([0-9a-f]+)-([0-9a-f]+) \\S+ \\S+ \\S+ ([0-9]+) +"
              + SharedMemoryOwner.FOLDER
              + "/fovea-.*");

  private static final Sharing SHARING = new Sharing(1 << 20, 0);

  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());

  @Override
  protected Engine engine(Clock clock) {
    TritonEngine engine = sharing(RealTriton.shared().address(), clock);
    Await.until("memory is shared", LONG, () -> isShared(engine));
    return engine;
  }

  private static TritonEngine sharing(String address, Clock clock) {
    return new TritonEngine(TritonSettings.of(address, QUEUE_SIZE).with(SHARING), clock);
  }

  private static boolean isShared(TritonEngine engine) {
    SharedMemory memory = engine.pool().servers().getFirst().memory();
    return memory.isShared() && !memory.wantsTending();
  }

  @Test
  void serverThatIsKilledWithRequestsInMemoryGetsANewRegion() throws Exception {
    try (RealTriton triton = RealTriton.start();
        TritonEngine engine = sharing(triton.address(), CLOCK);
        Lease lease = engine.open(ContractModel.servable());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Await.until("memory is shared", LONG, () -> isShared(engine));
      assertThat(infer(lease, LONG, row(1))).containsExactly(3);
      Future<float[]> underWay = callers.submit(() -> infer(lease, LONG, slowRow(FOR_EVER, 1)));
      assertThat(infer(lease, LONG, row(2, 3))).containsExactly(5, 7);

      triton.signal("KILL");

      assertThatThrownBy(underWay::get)
          .cause()
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_UNAVAILABLE));
      Await.until("not ready", LONG, () -> !lease.ready());
      triton.restart();
      Await.until("ready, with memory", LONG, () -> lease.ready() && isShared(engine));
      assertThat(infer(lease, LONG, row(4))).containsExactly(9);
    }
  }

  @Test
  void whatBothSidesMapStaysBoundedWhileCallersLeave() throws Exception {
    try (RealTriton triton = RealTriton.start();
        TritonEngine engine = sharing(triton.address(), CLOCK);
        Lease lease = engine.open(ContractModel.servable());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Await.until("memory is shared", LONG, () -> isShared(engine));
      long before = mapped(ProcessHandle.current().pid()) - SHARING.bytes();
      long most = 0;
      for (int i = 0; i < 150; i++) {
        List<Future<float[]>> leaving = new ArrayList<>();
        for (int k = 0; k < 3; k++) {
          // Large enough for a few of them to wear a region out.
          leaving.add(
              callers.submit(
                  () -> infer(lease, Duration.ofMillis(5), slowRow(1000, new float[20_000]))));
        }
        assertThat(infer(lease, LONG, row(i))).containsExactly(2 * i + 1);
        for (Future<float[]> call : leaving) {
          assertThatThrownBy(call::get).hasCauseInstanceOf(GatewayException.class);
        }
        most = Math.max(most, mapped(ProcessHandle.current().pid(), triton.pid()));
      }
      assertThat(most).isBetween(SHARING.bytes(), SharedRegion.MAX_REGIONS * SHARING.bytes());
      lease.close();
      engine.close();
      assertThat(mapped(ProcessHandle.current().pid())).isEqualTo(before);
    }
  }

  /// Bytes of shared memory of this program that the processes map, each object counted once.
  private static long mapped(long... processes) throws IOException {
    Map<String, Long> objects = new HashMap<>();
    for (long process : processes) {
      for (String line : Files.readAllLines(Path.of("/proc/" + process + "/maps"))) {
        Matcher parts = MAPPING.matcher(line);
        if (parts.matches()) {
          long size = Long.parseLong(parts.group(2), 16) - Long.parseLong(parts.group(1), 16);
          objects.put(parts.group(3), size);
        }
      }
    }
    return objects.values().stream().mapToLong(Long::longValue).sum();
  }

  private float[] infer(Lease lease, Duration time, Map<String, Tensor> row)
      throws InterruptedException {
    return Rows.doubled(
        lease,
        new InferRequest(List.of(row), Set.of("doubled"), Deadline.after(CLOCK, time), timings));
  }
}
