package dev.fovea.bench;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.fovea.bench.BridgeBench.Effort;
import dev.fovea.fake.RealTriton;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Timings;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import inference.ModelInferResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/// JPEG in, embedding out, through a real Triton: how much of the time is what it must be, and how
/// it compares with a Triton ensemble whose first step decodes with Pillow.
final class BridgeJpegBench {
  private static final int CALLERS = 8;
  private static final List<String> FILES =
      List.of(
          "photo-rocket.jpg",
          "photo-temple.jpg",
          "photo-flower.jpg",
          "cat-and-red-car.jpg",
          "house-tree-and-sun.jpg",
          "three-apples.jpg");

  private BridgeJpegBench() {}

  /// One way from JPEG to embedding.
  private interface Way {
    void call(int image);
  }

  /// Calls of one turn.
  ///
  /// @param micros how long each took, in order of length
  private record Turn(double perSecond, double[] micros) {}

  static void run(Effort effort) throws Exception {
    try (RealTriton triton = RealTriton.start(BridgeProcess.REPOSITORIES);
        BridgeProcess gateway = BridgeProcess.gateway(triton.port())) {
      ManagedChannel direct = BridgeBench.channel(triton.port());
      ManagedChannel through = BridgeBench.channel(gateway.port());
      try {
        List<byte[]> files = files();
        requireEqualVectors(through, direct, files);
        // Texts are cheap: the code of a call is compiled by them in seconds and not in minutes.
        EmbedRequest text = Requests.embed(Requests.text("a cat"));
        EmbeddingServiceGrpc.EmbeddingServiceBlockingStub texts =
            EmbeddingServiceGrpc.newBlockingStub(through);
        BridgeBench.warmUp(
            effort,
            List.of(gateway),
            () -> turn(_ -> texts.embed(text), CALLERS, effort.warmUpNanos()));
        ceiling(effort, through, files);
        ensemble(effort, through, direct, files);
      } finally {
        direct.shutdownNow();
        through.shutdownNow();
      }
    }
  }

  private static List<byte[]> files() throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (String name : FILES) {
      files.add(Files.readAllBytes(Path.of("examples", name)));
    }
    return files;
  }

  private static EmbedResponse embed(ManagedChannel channel, byte[] file) {
    EmbedRequest request = Requests.embed(Requests.image(file));
    return EmbeddingServiceGrpc.newBlockingStub(channel).embed(request);
  }

  private static byte[] ensembleRequest(byte[] file) {
    ByteBuffer element =
        ByteBuffer.allocate(4 + file.length).order(ByteOrder.LITTLE_ENDIAN).putInt(file.length);
    return ModelInferRequest.newBuilder()
        .setModelName("pillow_vision")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("jpeg")
                .setDatatype("BYTES")
                .addShape(1)
                .addShape(1))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("image_embedding"))
        .addRawInputContents(ByteString.copyFrom(element.put(file).flip()))
        .build()
        .toByteArray();
  }

  /// Both do the same work, or figures would mean nothing.
  private static void requireEqualVectors(
      ManagedChannel through, ManagedChannel direct, List<byte[]> files) throws Exception {
    for (int i = 0; i < files.size(); i++) {
      List<Float> here =
          embed(through, files.get(i))
              .getResults(0)
              .getEmbedding()
              .getVector()
              .getFloats()
              .getValuesList();
      FloatBuffer there =
          ModelInferResponse.parseFrom(
                  ClientCalls.blockingUnaryCall(
                      direct, RawBytes.INFER, CallOptions.DEFAULT, ensembleRequest(files.get(i))))
              .getRawOutputContents(0)
              .asReadOnlyByteBuffer()
              .order(ByteOrder.LITTLE_ENDIAN)
              .asFloatBuffer();
      double dot = 0;
      double length = 0;
      for (int k = 0; k < here.size(); k++) {
        dot += here.get(k) * there.get(k);
        length += there.get(k) * there.get(k);
      }
      if (dot / Math.sqrt(length) < 0.999) {
        throw new IllegalStateException(
            FILES.get(i) + ": cosine " + dot / Math.sqrt(length) + " (expected: 1)");
      }
    }
  }

  // --- One caller against its own stage times ---------------------------------------------------

  private static void ceiling(Effort effort, ManagedChannel through, List<byte[]> files)
      throws Exception {
    Way way = image -> embed(through, files.get(image % files.size()));
    turn(way, CALLERS, effort.warmUpNanos());
    turn(way, 1, effort.turnNanos());
    double[] strict = new double[effort.rounds()];
    double[] whole = new double[effort.rounds()];
    double[] rates = new double[effort.rounds()];
    for (int round = 0; round < effort.rounds(); round++) {
      Queue<Timings> timings = new ConcurrentLinkedQueue<>();
      rates[round] =
          turn(
                  image ->
                      timings.add(
                          embed(through, files.get(image % files.size()))
                              .getCallInfo()
                              .getTimings()),
                  1,
                  effort.turnNanos())
              .perSecond();
      double least = 0;
      double prepared = 0;
      for (Timings each : timings) {
        least += seconds(each.getDecode()) + seconds(each.getBackend());
        prepared += seconds(each.getPreprocess());
      }
      strict[round] = rates[round] * least / timings.size();
      whole[round] = rates[round] * (least + prepared) / timings.size();
    }
    System.out.printf(
        "JPEG of 640x480, 1 caller: %.1f images/s; of the ceiling 1/(decode + transport + engine)"
            + " %s, with preprocessing in it %s%n",
        Bench.median(rates), Bench.quartiles(strict, "%.3f"), Bench.quartiles(whole, "%.3f"));
  }

  private static double seconds(Duration duration) {
    return duration.getSeconds() + duration.getNanos() / 1e9;
  }

  // --- Many callers beside an ensemble ----------------------------------------------------------

  private static void ensemble(
      Effort effort, ManagedChannel through, ManagedChannel direct, List<byte[]> files)
      throws Exception {
    List<byte[]> requests = files.stream().map(BridgeJpegBench::ensembleRequest).toList();
    Way fovea = image -> embed(through, files.get(image % files.size()));
    Way ensemble = image -> BridgeBench.infer(direct, requests.get(image % requests.size()));
    byte[] row = BridgeBench.row(BridgeProcess.vision());
    Way prepared = _ -> BridgeBench.infer(direct, row);
    turn(fovea, CALLERS, effort.turnNanos());
    turn(ensemble, CALLERS, effort.turnNanos());
    double[] ratios = new double[effort.rounds()];
    double[] bounds = new double[effort.rounds()];
    List<Turn> ours = new ArrayList<>();
    List<Turn> theirs = new ArrayList<>();
    for (int round = 0; round < effort.rounds(); round++) {
      theirs.add(turn(ensemble, CALLERS, effort.turnNanos()));
      ours.add(turn(fovea, CALLERS, effort.turnNanos()));
      ratios[round] = ours.getLast().perSecond() / theirs.getLast().perSecond();
      Turn bound = turn(prepared, CALLERS, effort.turnNanos());
      bounds[round] = bound.perSecond() / theirs.getLast().perSecond();
    }
    System.out.printf(
        "JPEG of 640x480, %d callers: Fovea %s times the ensemble with Pillow; images/s, p50, p99:"
            + " %s, %s%n",
        CALLERS, Bench.quartiles(ratios, "%.2f"), describe(ours), describe(theirs));
    System.out.printf(
        "  tensors straight to Triton, so nothing decoded and nothing between: %s times the"
            + " ensemble%n",
        Bench.quartiles(bounds, "%.2f"));
  }

  private static String describe(List<Turn> turns) {
    double rate = Bench.median(turns.stream().mapToDouble(Turn::perSecond).toArray());
    double[] micros =
        turns.stream().flatMapToDouble(turn -> Arrays.stream(turn.micros())).sorted().toArray();
    return "%.1f/s %.0f ms %.0f ms"
        .formatted(rate, Bench.quantile(micros, 0.5) / 1000, Bench.quantile(micros, 0.99) / 1000);
  }

  private static Turn turn(Way way, int callers, long nanos) throws Exception {
    Queue<Double> micros = new ConcurrentLinkedQueue<>();
    AtomicInteger next = new AtomicInteger();
    long start = System.nanoTime();
    try (ExecutorService executor = Executors.newFixedThreadPool(callers)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        loops.add(
            executor.submit(() -> {
              while (System.nanoTime() - start < nanos) {
                long before = System.nanoTime();
                way.call(next.getAndIncrement());
                micros.add((System.nanoTime() - before) / 1e3);
              }
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Turn(
        micros.size() / seconds, micros.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
