package dev.fovea.bench;

import dev.fovea.bench.BridgeBench.Effort;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.engine.triton.TritonSettings.Sharing;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Tensors of many sizes to a real Triton in shared memory and over the connection, in turn: from
/// which size on memory is worth it.
final class BridgeMemoryBench {
  private static final Clock CLOCK = Clock.system();
  private static final int[] SIZES = {4 << 10, 16 << 10, 64 << 10, 150_528, 588 << 10, 4 << 20};

  private BridgeMemoryBench() {}

  static void run(Effort effort) throws Exception {
    try (RealTriton triton = RealTriton.start(BridgeProcess.REPOSITORIES);
        TritonEngine memory = engine(triton, new Sharing(64 << 20, 0));
        TritonEngine wire = engine(triton, Sharing.NONE);
        Lease shared = memory.open(swallow());
        Lease sent = wire.open(swallow())) {
      int calls = Math.max(20, effort.calls() / 6);
      measure(List.of(shared, sent), SIZES[3], calls);
      for (int size : SIZES) {
        double[] p50 = measure(List.of(shared, sent), size, calls);
        System.out.printf(
            "%4d KB to a real Triton: over the connection p50 %5.0f us, in shared memory %5.0f us,"
                + " ratio %.2f%n",
            size / 1000, p50[1], p50[0], p50[0] / p50[1]);
      }
    }
  }

  private static TritonEngine engine(RealTriton triton, Sharing sharing) {
    return new TritonEngine(TritonSettings.of(triton.address(), 8).with(sharing), CLOCK);
  }

  private static double[] measure(List<Lease> ways, int size, int calls) throws Exception {
    Tensor bytes = Tensor.zeros(DataType.UINT8, Shape.of(size));
    double[][] micros = new double[ways.size()][calls];
    for (int call = 0; call < calls; call++) {
      for (int way = 0; way < ways.size(); way++) {
        long start = System.nanoTime();
        var _ =
            ways.get(way)
                .infer(
                    new InferRequest(
                        List.of(Map.of("bytes", bytes)),
                        Set.of("count"),
                        Deadline.after(CLOCK, Duration.ofSeconds(60)),
                        new StageTimings(CLOCK, StageListener.none())));
        micros[way][call] = (System.nanoTime() - start) / 1e3;
      }
    }
    return new double[] {Bench.median(micros[0]), Bench.median(micros[1])};
  }

  static ServableModel swallow() {
    return new ServableModel(
        "swallow",
        "1",
        "swallow",
        Role.VISION,
        Path.of("swallow"),
        new Signature(
            List.of(new TensorSpec("bytes", DataType.UINT8, Shape.of(Shape.ANY))),
            List.of(new TensorSpec("count", DataType.INT64, Shape.of(1))),
            8),
        BatchPolicy.DEFAULT,
        2,
        0,
        Map.of(),
        "count",
        List.of(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        Optional.empty());
  }
}
