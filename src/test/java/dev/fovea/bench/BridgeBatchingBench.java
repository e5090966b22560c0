package dev.fovea.bench;

import dev.fovea.batch.BatchingEngine;
import dev.fovea.bench.BridgeBench.Effort;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.Engine;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ModelRows;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.failure.GatewayException;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ModelFamily;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Who should bring rows together in front of Triton: its own batcher, or Fovea's. Texts of many
/// lengths, which Triton puts into one batch only as long as neighbours are equally long, from few
/// callers and from far too many.
final class BridgeBatchingBench {
  private static final Clock CLOCK = Clock.system();
  private static final Duration OF_USE = Duration.ofSeconds(1);
  private static final int[] CALLERS = {1, 16, 128, 512};

  private BridgeBatchingBench() {}

  /// What became of the calls of one turn.
  private record Turn(double perSecond, double refusedPerSecond, double p50, double p99) {}

  static void run(Effort effort) throws Exception {
    ModelFamily family =
        ModelRepository.read(Path.of("model-repository"), "bench").families().get("pico");
    run(effort, family.member(Role.TEXT).orElseThrow(), "texts of all lengths");
    run(effort, family.member(Role.VISION).orElseThrow(), "images of one shape");
  }

  private static void run(Effort effort, ServableModel model, String what) throws Exception {
    List<Map<String, Tensor>> rows = ModelRows.of(model, 500, 5);
    try (RealTriton triton = RealTriton.start();
        Engine theirs = new TritonEngine(TritonSettings.of(triton.address(), 256), CLOCK);
        Engine ours =
            new BatchingEngine(
                new TritonEngine(TritonSettings.of(triton.address(), 256), CLOCK), CLOCK, 256);
        Lease there = theirs.open(model);
        Lease here = ours.open(model)) {
      turn(there, rows, 64, effort.turnNanos());
      turn(here, rows, 64, effort.turnNanos());
      for (int callers : CALLERS) {
        double[] ratios = new double[effort.rounds()];
        Turn lastThere = null;
        Turn lastHere = null;
        for (int round = 0; round < effort.rounds(); round++) {
          lastThere = turn(there, rows, callers, effort.turnNanos());
          lastHere = turn(here, rows, callers, effort.turnNanos());
          ratios[round] = lastHere.perSecond() / lastThere.perSecond();
        }
        System.out.printf(
            "%s, %s, %3d callers: answered in time, batches made by Fovea ÷ by"
                + " Triton %s; Triton %s; Fovea %s%n",
            model.name(),
            what,
            callers,
            Bench.quartiles(ratios, "%.2f"),
            describe(lastThere),
            describe(lastHere));
      }
    }
  }

  private static String describe(Turn turn) {
    return "%.0f/s, refused %.0f/s, p50 %.0f ms, p99 %.0f ms"
        .formatted(turn.perSecond(), turn.refusedPerSecond(), turn.p50(), turn.p99());
  }

  private static Turn turn(Lease lease, List<Map<String, Tensor>> rows, int callers, long nanos)
      throws Exception {
    Queue<Double> millis = new ConcurrentLinkedQueue<>();
    AtomicInteger refused = new AtomicInteger();
    long start = System.nanoTime();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int caller = 0; caller < callers; caller++) {
        Random random = new Random(caller);
        var _ =
            executor.submit(() -> {
              while (System.nanoTime() - start < nanos) {
                long before = System.nanoTime();
                try {
                  var _ = lease.infer(request(lease, rows.get(random.nextInt(rows.size()))));
                  millis.add((System.nanoTime() - before) / 1e6);
                } catch (GatewayException refusal) {
                  refused.incrementAndGet();
                  Thread.sleep(refusal.retryAfter().orElse(Duration.ofMillis(100)));
                }
              }
              return null;
            });
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    double[] sorted = millis.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    return new Turn(
        sorted.length / seconds,
        refused.get() / seconds,
        sorted.length == 0 ? 0 : Bench.quantile(sorted, 0.5),
        sorted.length == 0 ? 0 : Bench.quantile(sorted, 0.99));
  }

  private static InferRequest request(Lease lease, Map<String, Tensor> row) {
    return new InferRequest(
        List.of(row),
        Set.of(lease.model().embeddingOutput()),
        Deadline.after(CLOCK, OF_USE),
        new StageTimings(CLOCK, StageListener.none()));
  }
}
