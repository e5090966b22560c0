package dev.fovea.bench;

import dev.fovea.bench.BridgeBench.Effort;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How often the bridge copies a tensor: what the whole process allocates on the heap for a call,
/// as a multiple of the bytes of its tensors.
///
/// What goes out is copied once, into the transport's own memory outside the heap, so that the heap
/// sees next to nothing of it. What comes in is copied once, into the array that its tensors lie
/// in: once its bytes. Every further copy would show as another multiple.
final class BridgeCopiesBench {
  private static final Clock CLOCK = Clock.system();
  private static final int SENT = 588 << 10;
  private static final int ROWS = 16;
  private static final int PATCHES = 64;

  private BridgeCopiesBench() {}

  static void run(Effort effort) throws Exception {
    ServableModel vision = BridgeProcess.vision();
    try (RealTriton triton = RealTriton.start(BridgeProcess.REPOSITORIES);
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease swallow = engine.open(BridgeMemoryBench.swallow());
        Lease encoder = engine.open(vision)) {
      int calls = Math.max(10, effort.calls() / 40);
      Tensor large = Tensor.zeros(DataType.UINT8, Shape.of(SENT));
      double out = perCall(swallow, List.of(Map.of("bytes", large)), "count", calls);
      System.out.printf(
          "%d KB sent: %.3f of their bytes allocated a call%n", SENT / 1000, out / SENT);

      List<Map<String, Tensor>> rows = Collections.nCopies(ROWS, patches());
      long sent = (long) ROWS * rows.getFirst().get("patches").data().byteSize();
      double small = perCall(encoder, rows, vision.embeddingOutput(), calls);
      double both = perCall(encoder, rows, "patch_features", calls);
      long width = vision.signature().output("patch_features").orElseThrow().shape().toArray()[1];
      long received = ROWS * PATCHES * width * Float.BYTES;
      System.out.printf(
          "%d rows of %d KB sent: %.3f of their bytes allocated a call%n",
          ROWS, sent / ROWS / 1000, small / sent);
      System.out.printf(
          "%d KB received: %.3f times their bytes allocated a call%n",
          received / 1000, (both - small) / received);
    }
  }

  private static Map<String, Tensor> patches() {
    return Map.of(
        "patches", Tensor.zeros(DataType.UINT8, Shape.of(PATCHES, 768)),
        "patch_mask", Tensor.zeros(DataType.BOOL, Shape.of(PATCHES)),
        "patch_positions", Tensor.zeros(DataType.INT32, Shape.of(PATCHES, 2)));
  }

  /// Bytes that all threads allocate for a call, on average, after as many that are not counted.
  private static double perCall(
      Lease lease, List<Map<String, Tensor>> rows, String output, int calls) throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = 0;
    for (int call = -calls; call < calls; call++) {
      if (call == 0) {
        before = threads.getTotalThreadAllocatedBytes();
      }
      var _ =
          lease.infer(
              new InferRequest(
                  rows,
                  Set.of(output),
                  Deadline.after(CLOCK, Duration.ofSeconds(60)),
                  new StageTimings(CLOCK, StageListener.none())));
    }
    return (threads.getTotalThreadAllocatedBytes() - before) / (double) calls;
  }
}
