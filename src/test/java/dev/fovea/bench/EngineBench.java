package dev.fovea.bench;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.Engine;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/// Tensors in, the engine saturated: images a second through the embedded engine, as a ratio to a
/// plain loop over the same ONNX Runtime session settings, threads and batch size, turn by turn in
/// one process.
final class EngineBench {
  private static final int ROUNDS = 12;
  private static final Duration TURN = Duration.ofSeconds(2);
  private static final int PATCHES = 64;
  private static final Clock CLOCK = Clock.system();

  private EngineBench() {}

  static void run() throws Exception {
    ServableModel model =
        ModelRepository.read(Path.of("model-repository"), "bench")
            .families()
            .get("pico")
            .member(Role.VISION)
            .orElseThrow();
    System.out.printf(
        "%s, %d threads, %d rounds of %d s each%n",
        model, model.instances(), ROUNDS, TURN.toSeconds());
    for (int batchSize : new int[] {1, 8, 32}) {
      compare(model, batchSize);
    }
  }

  private static void compare(ServableModel model, int batchSize) throws Exception {
    Map<String, Tensor> row = row(model);
    try (Engine engine = new OnnxEngine(CLOCK, 256);
        Lease lease = engine.open(model);
        PlainLoop plain = new PlainLoop(model, row, batchSize)) {
      callEngine(lease, row, batchSize);
      plain.run();
      double[] ratios = new double[ROUNDS];
      double[] ours = new double[ROUNDS];
      double[] theirs = new double[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        ours[round] = callEngine(lease, row, batchSize);
        theirs[round] = plain.run();
        ratios[round] = ours[round] / theirs[round];
      }
      System.out.printf(
          "batches of %2d: engine %6.0f images/s, plain loop %6.0f images/s, ratio %s%n",
          batchSize, Bench.median(ours), Bench.median(theirs), Bench.quartiles(ratios, "%.3f"));
    }
  }

  /// One image of random patches.
  private static Map<String, Tensor> row(ServableModel model) {
    Random random = new Random(1);
    Map<String, Tensor> row = new HashMap<>();
    for (TensorSpec input : model.signature().inputs()) {
      long[] extents = input.shape().toArray();
      extents[0] = PATCHES;
      Tensor tensor = Tensor.zeros(input.type(), Shape.of(extents));
      for (long i = 0; i < tensor.data().byteSize(); i++) {
        boolean any = input.type() == DataType.UINT8;
        boolean mask = input.type() == DataType.BOOL;
        tensor
            .data()
            .set(ValueLayout.JAVA_BYTE, i, (byte) (any ? random.nextInt(256) : mask ? 1 : 0));
      }
      row.put(input.name(), tensor);
    }
    return row;
  }

  /// Twice as many callers as instances, so that none is ever without work.
  private static double callEngine(Lease lease, Map<String, Tensor> row, int batchSize)
      throws Exception {
    List<Map<String, Tensor>> rows = new ArrayList<>();
    for (int i = 0; i < batchSize; i++) {
      rows.add(row);
    }
    Set<String> outputs = Set.of(lease.model().embeddingOutput());
    return rate(
        2 * lease.slots(),
        batchSize,
        () ->
            lease.infer(
                new InferRequest(
                    rows,
                    outputs,
                    Deadline.after(CLOCK, Duration.ofSeconds(30)),
                    new StageTimings(CLOCK, StageListener.none()))));
  }

  /// Images a second when so many threads do the same over and over.
  private static double rate(int threads, int images, Callable<?> work) throws Exception {
    AtomicLong done = new AtomicLong();
    long start = System.nanoTime();
    long end = start + TURN.toNanos();
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        loops.add(
            executor.submit(() -> {
              while (System.nanoTime() < end) {
                work.call();
                done.addAndGet(images);
              }
              return null;
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    }
    return done.get() * 1e9 / (System.nanoTime() - start);
  }

  /// The ceiling: each thread runs the session on tensors that lie ready in native memory.
  private static final class PlainLoop implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new HashMap<>();
    private final Set<String> outputs;
    private final int threads;
    private final int batchSize;

    PlainLoop(ServableModel model, Map<String, Tensor> row, int batchSize) throws OrtException {
      OrtSession.SessionOptions options = new OrtSession.SessionOptions();
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      session = environment.createSession(model.artifact().toString(), options);
      outputs = Set.of(model.embeddingOutput());
      threads = model.instances();
      this.batchSize = batchSize;
      for (Map.Entry<String, Tensor> input : row.entrySet()) {
        inputs.put(input.getKey(), batch(input.getValue(), batchSize));
      }
    }

    private OnnxTensor batch(Tensor row, int batchSize) throws OrtException {
      int size = (int) row.data().byteSize();
      ByteBuffer memory =
          ByteBuffer.allocateDirect(size * batchSize).order(ByteOrder.nativeOrder());
      for (int i = 0; i < batchSize; i++) {
        memory.put(row.data().asByteBuffer());
      }
      OnnxJavaType type =
          switch (row.type()) {
            case UINT8 -> OnnxJavaType.UINT8;
            case BOOL -> OnnxJavaType.BOOL;
            case INT32 -> OnnxJavaType.INT32;
            default -> throw new IllegalArgumentException("type: " + row.type());
          };
      return OnnxTensor.createTensor(
          environment, memory.flip(), row.shape().batched(batchSize).toArray(), type);
    }

    double run() throws Exception {
      return rate(
          threads,
          batchSize,
          () -> {
            try (OrtSession.Result result = session.run(inputs, outputs)) {
              return result.size();
            }
          });
    }

    @Override
    public void close() throws OrtException {
      inputs.values().forEach(OnnxTensor::close);
      session.close();
    }
  }
}
