package dev.fovea.bench;

import com.google.protobuf.ByteString;
import dev.fovea.engine.ModelRows;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// What the bridge costs: calls straight to a server beside the same calls through Fovea and, where
/// there is one, through nginx's `grpc_pass`, in turn within one run.
///
/// Gateway and nginx are processes of their own, and everything that is compiled while it runs is
/// warm before it is measured.
final class BridgeBench {
  private static final int[] SIZES = {150_528, 588 << 10};
  private static final int[] CALLERS = {1, 4};

  private BridgeBench() {}

  /// How much is measured.
  ///
  /// @param warmUp calls after which it is looked whether compilers have settled
  /// @param runIn calls of a size before it is measured
  /// @param calls that are measured
  /// @param rounds turns of each side
  /// @param turnNanos how long a turn takes
  record Effort(int warmUp, int runIn, int calls, int rounds, long turnNanos) {
    static final Effort WHOLE = new Effort(2000, 500, 2000, 6, TimeUnit.SECONDS.toNanos(3));

    /// Shows that it runs; its figures mean nothing.
    static final Effort QUICK = new Effort(50, 20, 40, 1, TimeUnit.MILLISECONDS.toNanos(300));

    /// The longest that a process is warmed up for.
    long warmUpNanos() {
      return 8 * turnNanos;
    }
  }

  /// @param arguments `--quick`, and the parts; all of them when none is named
  static void run(String... arguments) throws Exception {
    if (BridgeProcess.serve(arguments)) {
      return;
    }
    List<String> parts = new ArrayList<>(List.of(arguments));
    Effort effort = parts.remove("--quick") ? Effort.QUICK : Effort.WHOLE;
    Set<String> known = Set.of("latency", "saturation", "jpeg", "memory", "copies", "batching");
    if (!known.containsAll(parts)) {
      throw new IllegalArgumentException("bridge: " + parts + " (expected: of " + known + ")");
    }
    if (parts.isEmpty() || parts.contains("latency")) {
      addedLatency(effort);
    }
    if (parts.isEmpty() || parts.contains("saturation")) {
      saturation(effort);
    }
    if (parts.isEmpty() || parts.contains("jpeg")) {
      BridgeJpegBench.run(effort);
    }
    if (parts.isEmpty() || parts.contains("memory")) {
      BridgeMemoryBench.run(effort);
    }
    if (parts.isEmpty() || parts.contains("copies")) {
      BridgeCopiesBench.run(effort);
    }
    if (parts.isEmpty() || parts.contains("batching")) {
      BridgeBatchingBench.run(effort);
    }
  }

  // --- Added latency --------------------------------------------------------------------------

  private static void addedLatency(Effort effort) throws Exception {
    try (ZeroCostServer server = new ZeroCostServer();
        BridgeProcess fovea = BridgeProcess.passThrough(server.port(), "pixels");
        BridgeProcess floor = BridgeProcess.floor(server.port())) {
      Map<String, BridgeProcess> ways = new LinkedHashMap<>();
      ways.put("Fovea", fovea);
      ways.put("bytes forwarded by grpc-java", floor);
      Optional<BridgeProcess> nginx = BridgeProcess.nginx(server.port());
      nginx.ifPresentOrElse(
          process -> ways.put("nginx", process),
          () -> System.out.println("no nginx on the PATH: its figures are missing"));
      try {
        List<Integer> ports = new ArrayList<>(List.of(server.port()));
        ways.values().forEach(way -> ports.add(way.port()));
        warmUp(
            effort,
            List.of(fovea, floor),
            () -> measure(ports, pixels(SIZES[0]), CALLERS[1], effort.warmUp() / CALLERS[1]));
        for (int size : SIZES) {
          for (int callers : CALLERS) {
            measure(ports, pixels(size), callers, effort.runIn() / callers);
            compare(effort, ways, ports, size, callers);
          }
        }
      } finally {
        nginx.ifPresent(BridgeProcess::close);
      }
    }
  }

  @FunctionalInterface
  interface Calls {
    void make() throws Exception;
  }

  /// Calls until those that compile their code have settled, which shows in the processors' time
  /// that a call takes them.
  static void warmUp(Effort effort, List<BridgeProcess> compiled, Calls calls) throws Exception {
    long end = System.nanoTime() + effort.warmUpNanos() * 4;
    long before = Long.MAX_VALUE;
    while (System.nanoTime() < end) {
      long start = compiled.stream().mapToLong(BridgeProcess::cpuNanos).sum();
      calls.make();
      long now = compiled.stream().mapToLong(BridgeProcess::cpuNanos).sum() - start;
      if (now > 0.9 * before) {
        return;
      }
      before = now;
    }
  }

  private static void compare(
      Effort effort, Map<String, BridgeProcess> ways, List<Integer> ports, int size, int callers)
      throws Exception {
    Map<String, Long> cpu = new HashMap<>();
    ways.forEach((name, way) -> cpu.put(name, way.cpuNanos()));
    double[] p50 = measure(ports, pixels(size), callers, effort.calls() / callers);
    System.out.printf("%3d KB, %d callers: direct p50 %.0f us%n", size / 1000, callers, p50[0]);
    int way = 1;
    for (Map.Entry<String, BridgeProcess> each : ways.entrySet()) {
      double added = p50[way++] - p50[0];
      System.out.printf(
          "  %s adds %.0f us, %.0f us of processor time a call%s%n",
          each.getKey(),
          added,
          (each.getValue().cpuNanos() - cpu.get(each.getKey())) / 1e3 / effort.calls(),
          ways.containsKey("nginx") && !each.getKey().equals("nginx")
              ? ", %.2f times what nginx adds".formatted(added / (p50[ways.size()] - p50[0]))
              : "");
    }
  }

  private static byte[] pixels(int size) {
    return bytes("pixels", "pixels", "vector", size);
  }

  /// One row of so many bytes for a model that takes them.
  private static byte[] bytes(String model, String input, String output, int size) {
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .addInputs(
            InferInputTensor.newBuilder()
                .setName(input)
                .setDatatype("UINT8")
                .addShape(1)
                .addShape(size))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName(output))
        .addRawInputContents(ByteString.copyFrom(new byte[size]))
        .build()
        .toByteArray();
  }

  /// Median microseconds of each way; every caller goes round the ways call by call.
  private static double[] measure(List<Integer> ports, byte[] request, int callers, int calls)
      throws Exception {
    double[][][] micros = new double[ports.size()][callers][calls];
    List<ManagedChannel> channels = new ArrayList<>();
    for (int port : ports) {
      channels.add(channel(port));
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(callers)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int caller = 0; caller < callers; caller++) {
        int own = caller;
        loops.add(
            executor.submit(() -> {
              for (int call = 0; call < calls; call++) {
                for (int way = 0; way < channels.size(); way++) {
                  long start = System.nanoTime();
                  infer(channels.get((way + own) % channels.size()), request);
                  micros[(way + own) % channels.size()][own][call] =
                      (System.nanoTime() - start) / 1e3;
                }
              }
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
    return Arrays.stream(micros)
        .mapToDouble(
            way -> Bench.median(Arrays.stream(way).flatMapToDouble(Arrays::stream).toArray()))
        .toArray();
  }

  static ManagedChannel channel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port)
        .usePlaintext()
        .directExecutor()
        .maxInboundMessageSize(16 << 20)
        .build();
  }

  static byte[] infer(ManagedChannel channel, byte[] request) {
    return ClientCalls.blockingUnaryCall(channel, RawBytes.INFER, CallOptions.DEFAULT, request);
  }

  // --- Saturation -----------------------------------------------------------------------------

  /// Calls as fast as they are answered: straight to Triton, and through each process between.
  private static void saturation(Effort effort) throws Exception {
    ServableModel model = BridgeProcess.vision();
    String cheap = BridgeMemoryBench.swallow().name();
    try (RealTriton triton = RealTriton.start(BridgeProcess.REPOSITORIES);
        BridgeProcess fovea = BridgeProcess.passThrough(triton.port(), model.name(), cheap);
        BridgeProcess floor = BridgeProcess.floor(triton.port())) {
      byte[] request = row(model);
      // With calls of its own model a gateway would compile for minutes, while it is measured.
      byte[] cheapRequest = bytes(cheap, "bytes", "count", request.length);
      List<Saturated> ways = new ArrayList<>();
      for (BridgeProcess each : List.of(fovea, floor)) {
        ways.add(new Saturated(each, channel(each.port()), new double[effort.rounds()]));
        ManagedChannel through = ways.getLast().channel();
        warmUp(effort, List.of(each), () -> calls(through, cheapRequest, 10 * effort.warmUp()));
        rate(through, request, effort.turnNanos());
      }
      ManagedChannel direct = channel(triton.port());
      rate(direct, request, effort.turnNanos());
      long[] cpu = ways.stream().mapToLong(way -> way.process().cpuNanos()).toArray();
      double[] calls = new double[ways.size()];
      double[] directs = new double[effort.rounds()];
      for (int round = 0; round < effort.rounds(); round++) {
        directs[round] = rate(direct, request, effort.turnNanos());
        for (int way = 0; way < calls.length; way++) {
          double rate = rate(ways.get(way).channel(), request, effort.turnNanos());
          ways.get(way).ratios()[round] = rate / directs[round];
          calls[way] += rate * effort.turnNanos() / 1e9;
        }
      }
      System.out.printf(
          "%s on a real Triton, 8 callers: direct %.0f calls/s%n",
          model.name(), Bench.median(directs));
      List<String> names = List.of("Fovea", "bytes forwarded by grpc-java");
      for (int way = 0; way < calls.length; way++) {
        System.out.printf(
            "  through %s %s of that, %.0f us of its processor time a call%n",
            names.get(way),
            Bench.quartiles(ways.get(way).ratios(), "%.3f"),
            (ways.get(way).process().cpuNanos() - cpu[way]) / 1e3 / calls[way]);
        ways.get(way).channel().shutdownNow();
      }
      direct.shutdownNow();
    }
  }

  /// A process between client and Triton, and its calls/s as a share of the direct ones.
  private record Saturated(BridgeProcess process, ManagedChannel channel, double[] ratios) {}

  private static void calls(ManagedChannel channel, byte[] request, int count) throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(8)) {
      List<Future<?>> calls = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        calls.add(executor.submit(() -> infer(channel, request)));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    }
  }

  /// One row for a model.
  static byte[] row(ServableModel model) {
    Map<String, Tensor> row = ModelRows.of(model, 1, 1).getFirst();
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName(model.name())
            .addOutputs(InferRequestedOutputTensor.newBuilder().setName(model.embeddingOutput()));
    for (TensorSpec input : model.signature().inputs()) {
      Tensor tensor = row.get(input.name());
      InferInputTensor.Builder made =
          InferInputTensor.newBuilder()
              .setName(input.name())
              .setDatatype(input.type().name())
              .addShape(1);
      for (long extent : tensor.shape().toArray()) {
        made.addShape(extent);
      }
      request
          .addInputs(made)
          .addRawInputContents(ByteString.copyFrom(tensor.data().asByteBuffer()));
    }
    return request.build().toByteArray();
  }

  private static double rate(ManagedChannel channel, byte[] request, long nanos) throws Exception {
    AtomicLong done = new AtomicLong();
    long start = System.nanoTime();
    try (ExecutorService executor = Executors.newFixedThreadPool(8)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        loops.add(
            executor.submit(() -> {
              while (System.nanoTime() - start < nanos) {
                infer(channel, request);
                done.incrementAndGet();
              }
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    }
    return done.get() * 1e9 / (System.nanoTime() - start);
  }
}
