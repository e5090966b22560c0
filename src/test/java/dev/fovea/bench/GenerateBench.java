package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.Lease;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.generate.Delta;
import dev.fovea.generate.GenerationOptions;
import dev.fovea.generate.Generator;
import dev.fovea.generate.Prompt;
import dev.fovea.generate.Terms;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Requests;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.StreamCaptionResponse;
import dev.fovea.v1.TextDelta;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// What the token loop adds to a decoder's own time, over a real channel with a decoder that takes
/// 20 ms a step, and how the embedded engine's running batch compares with one stream at a time and
/// with the fastest loop that could be written by hand, one that knows all of its texts beforehand.
final class GenerateBench {
  private static final Duration STEP = Duration.ofMillis(20);
  private static final int TOKENS = 40;
  private static final int STREAMS = 32;
  private static final int ROUNDS = 3;

  /// Until the code of a stream has been compiled as it stays.
  private static final int WARMING_CALLS = 5_000;

  private GenerateBench() {}

  /// @param repository one whose decoder is to be measured; empty for the tests' own
  static void run(String... repository) throws Exception {
    Path models = repository.length > 0 ? Path.of(repository[0]) : DecoderRepository.make();
    loop();
    embedded(models);
  }

  /// Says one word after the other.
  private static final class Words implements Script {
    volatile Duration step = Duration.ZERO;

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      Map<String, Tensor> outputs = new HashMap<>();
      for (TensorSpec output : model.signature().outputs()) {
        long[] extents = output.shape().toArray();
        Arrays.setAll(extents, axis -> extents[axis] < 0 ? 64 : extents[axis]);
        outputs.put(output.name(), Tensor.zeros(output.type(), Shape.of(extents)));
        outputs.get(output.name()).setFloat(0, 1);
      }
      return outputs;
    }

    @Override
    public Map<String, Tensor> step(ServableModel model, List<Map<String, Tensor>> steps) {
      long tokens = steps.getLast().get("input_ids").shape().extent(0);
      Tensor logits = Tensor.zeros(DataType.FP32, Shape.of(tokens, 2048));
      logits.setFloat((tokens - 1) * 2048 + 300 + steps.size(), 10);
      return Map.of(
          "logits", logits, "cross_attention", Tensor.zeros(DataType.FP32, Shape.of(tokens, 64)));
    }

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      return model.role() == Role.DECODER ? step : Duration.ZERO;
    }
  }

  /// Nanoseconds of one stream: to its first delta, and between deltas.
  private record Times(double first, double[] gaps) {}

  private static void loop() throws Exception {
    Words words = new Words();
    try (TestGateway gateway =
            TestGateway.start(
                Map.of("fovea.repository", DecoderRepository.make().toString()),
                clock -> new ScriptedEngine(words, clock, 256));
        PlainServer plain = new PlainServer()) {
      for (int round = 0; round < WARMING_CALLS; round++) {
        Times _ = stream(gateway.channel(), round);
        Times _ = stream(plain.channel(), round);
      }
      words.step = STEP;
      plain.step = STEP;
      System.out.println(
          "Scripted decoder of 20 ms a step; times beside those of the bare loop, a wait of a step"
              + " for each token. A plain stream is a gRPC service that runs the bare loop and"
              + " nothing else.\n");
      System.out.println(
          "| streams | | added to the first token, p50 | added to a gap, p50 | gap p99 − bare step"
              + " p50 |");
      System.out.println("|---|---|---|---|---|");
      compare("1", gateway, plain, 1, 25);
      compare("100", gateway, plain, 100, ROUNDS);
      try (Sleeper _ = Sleeper.begin(gateway.port())) {
        compare("100, and one that does not read", gateway, plain, 100, ROUNDS);
      }
    }
  }

  private static void compare(
      String what, TestGateway gateway, PlainServer plain, int streams, int rounds)
      throws Exception {
    List<Times> bare = new ArrayList<>();
    List<Times> plainly = new ArrayList<>();
    List<Times> served = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      bare.addAll(together(streams, _ -> bare()));
      plainly.addAll(together(streams, number -> stream(plain.channel(), number)));
      served.addAll(together(streams, number -> stream(gateway.channel(), number)));
    }
    report(what, "bare loop", bare, bare);
    report(what, "plain stream", plainly, bare);
    report(what, "Fovea", served, bare);
  }

  private static void report(String streams, String what, List<Times> times, List<Times> bare) {
    double step = median(bare, true);
    System.out.printf(
        "| %s | %s | %.2f ms | %.2f ms | %.2f ms |%n",
        streams,
        what,
        (first(times) - first(bare)) / 1e6,
        (median(times, true) - step) / 1e6,
        (median(times, false) - step) / 1e6);
  }

  /// A service of the same messages that does nothing but wait and say a word: what a stream costs
  /// by itself.
  private static final class PlainServer extends GenerationServiceGrpc.GenerationServiceImplBase
      implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Server server;
    private final ManagedChannel channel;
    volatile Duration step = Duration.ZERO;

    PlainServer() throws IOException {
      this.server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .executor(threads)
              .addService(this)
              .build()
              .start();
      this.channel =
          NettyChannelBuilder.forAddress(server.getListenSockets().getFirst())
              .usePlaintext()
              .build();
    }

    Channel channel() {
      return channel;
    }

    @Override
    public void streamCaption(
        StreamCaptionRequest request, StreamObserver<StreamCaptionResponse> observer) {
      StreamCaptionResponse word =
          StreamCaptionResponse.newBuilder()
              .setDelta(TextDelta.newBuilder().setText("word"))
              .build();
      try {
        for (int i = 0; i < TOKENS; i++) {
          await(step);
          observer.onNext(word);
        }
        observer.onCompleted();
      } catch (InterruptedException _) {
        observer.onError(Status.CANCELLED.asRuntimeException());
      }
    }

    @Override
    public void close() {
      channel.shutdownNow();
      server.shutdownNow();
      threads.shutdownNow();
    }
  }

  private static void await(Duration time) throws InterruptedException {
    boolean _ = new CountDownLatch(1).await(time.toNanos(), TimeUnit.NANOSECONDS);
  }

  /// A client that asks for much and reads one message of it.
  private record Sleeper(ManagedChannel channel) implements AutoCloseable {
    static Sleeper begin(int port) {
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", port)
              .usePlaintext()
              .flowControlWindow(1024)
              .build();
      StreamCaptionRequest.Builder request =
          StreamCaptionRequest.newBuilder().setImage(Requests.noise(0).getContent().getImage());
      request.getOptionsBuilder().setMaxTokens(120).setLogProbabilities(20).setRelevance(true);
      GenerationServiceGrpc.newStub(channel)
          .streamCaption(
              request.build(),
              new ClientResponseObserver<StreamCaptionRequest, StreamCaptionResponse>() {
                @Override
                public void beforeStart(ClientCallStreamObserver<StreamCaptionRequest> call) {
                  call.disableAutoRequestWithInitial(1);
                }

                @Override
                public void onNext(StreamCaptionResponse part) {}

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onCompleted() {}
              });
      return new Sleeper(channel);
    }

    @Override
    public void close() {
      channel.shutdownNow();
    }
  }

  private interface Work {
    Times run(int number) throws Exception;
  }

  private static List<Times> together(int streams, Work work) throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Times>> calls = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        int number = i;
        calls.add(() -> work.run(number));
      }
      List<Times> times = new ArrayList<>();
      for (Future<Times> call : callers.invokeAll(calls)) {
        times.add(call.get());
      }
      return times;
    }
  }

  private static double first(List<Times> times) {
    return Bench.median(times.stream().mapToDouble(Times::first).toArray());
  }

  /// The median gap, or the 99th percentile.
  private static double median(List<Times> times, boolean half) {
    double[] gaps = times.stream().flatMapToDouble(t -> Arrays.stream(t.gaps())).sorted().toArray();
    return Bench.quantile(gaps, half ? 0.5 : 0.99);
  }

  /// A wait of a step for each token, as the scripted engine waits.
  private static Times bare() throws InterruptedException {
    double[] gaps = new double[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      long start = System.nanoTime();
      await(STEP);
      gaps[i] = System.nanoTime() - start;
    }
    return new Times(gaps[0], Arrays.copyOfRange(gaps, 1, TOKENS));
  }

  private static Times stream(Channel channel, int image) {
    StreamCaptionRequest.Builder request =
        StreamCaptionRequest.newBuilder()
            .setImage(Requests.noise(image % 4).getContent().getImage());
    request.getOptionsBuilder().setMaxTokens(TOKENS);
    long start = System.nanoTime();
    Iterator<StreamCaptionResponse> parts =
        GenerationServiceGrpc.newBlockingStub(channel).streamCaption(request.build());
    double first = 0;
    List<Double> gaps = new ArrayList<>();
    while (parts.hasNext()) {
      if (parts.next().hasDelta()) {
        long now = System.nanoTime();
        if (first == 0) {
          first = now - start;
        } else {
          gaps.add((double) (now - start));
        }
        start = now;
      }
    }
    return new Times(first, gaps.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static void embedded(Path repository) throws Exception {
    ServableModel decoder =
        ModelRepository.read(repository, "bench")
            .families()
            .values()
            .iterator()
            .next()
            .member(Role.DECODER)
            .orElseThrow();
    System.out.printf(
        "%nEmbedded, %s of %s, %d streams of %d tokens%n%n",
        decoder, repository.getFileName(), STREAMS, TOKENS);
    System.out.println("| | tokens/s: median (first..third quartile) | ratio to by hand |");
    System.out.println("|---|---|---|");
    for (int instances = 1; instances <= 2; instances++) {
      embedded(withInstances(decoder, instances));
    }
  }

  private static ServableModel withInstances(ServableModel model, int instances) {
    return new ServableModel(
        model.name(),
        model.version(),
        model.family(),
        model.role(),
        model.artifact(),
        model.signature(),
        model.batchPolicy(),
        instances,
        model.graphLevel(),
        model.parameters(),
        model.embeddingOutput(),
        model.labels(),
        model.imageProcessor(),
        model.tokenizer(),
        model.artifactDigest(),
        model.preprocessingDigest(),
        model.decoding());
  }

  private static void embedded(ServableModel decoder) throws Exception {
    Clock clock = Clock.system();
    try (OnnxEngine engine = new OnnxEngine(clock, 256);
        Lease lease = engine.open(decoder)) {
      List<Prompt> prompts = new ArrayList<>();
      Random random = new Random(3);
      for (int i = 0; i < STREAMS; i++) {
        prompts.add(prompt(decoder, random));
      }
      double[] one = new double[ROUNDS];
      double[] many = new double[ROUNDS];
      double[] hand = new double[ROUNDS];
      double _ = joined(lease, prompts, clock);
      for (int round = 0; round < ROUNDS; round++) {
        one[round] = alone(lease, prompts.subList(0, 8), clock);
        many[round] = joined(lease, prompts, clock);
        hand[round] = byHand(decoder);
      }
      String on =
          decoder.instances() == 1 ? ", 1 instance" : ", " + decoder.instances() + " instances";
      report("one stream at a time" + on, one, hand);
      report(STREAMS + " streams, running batch" + on, many, hand);
      report(STREAMS + " rows by hand, a loop an instance" + on, hand, hand);
    }
  }

  /// As many loops at once as there are instances, the rows shared among them.
  private static double byHand(ServableModel decoder) throws Exception {
    int loops = decoder.instances();
    try (ExecutorService threads = Executors.newFixedThreadPool(loops)) {
      List<Callable<Double>> work = new ArrayList<>();
      for (int i = 0; i < loops; i++) {
        Random random = new Random(i);
        work.add(() -> {
          try (BatchedLoop loop = new BatchedLoop(decoder, STREAMS / loops)) {
            return loop.tokensPerSecond(TOKENS, random);
          }
        });
      }
      double rate = 0;
      for (Future<Double> loop : threads.invokeAll(work)) {
        rate += loop.get();
      }
      return rate;
    }
  }

  private static void report(String name, double[] rates, double[] beside) {
    System.out.printf(
        "| %s | %s | %.2f |%n",
        name, Bench.quartiles(rates, "%.0f"), Bench.median(rates) / Bench.median(beside));
  }

  private static Prompt prompt(ServableModel decoder, Random random) {
    TensorSpec features = decoder.signature().input(decoder.imageFeaturesInput()).orElseThrow();
    float[] values = new float[(int) (64 * features.shape().extent(1))];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor mask = Tensor.zeros(DataType.BOOL, Shape.of(64));
    mask.data().fill((byte) 1);
    return new Prompt(
        new long[] {1, 3},
        Map.of(
            features.name(),
            Tensor.ofFloats(Shape.of(64, features.shape().extent(1)), values),
            "patch_mask",
            mask),
        List.of());
  }

  private static double alone(Lease lease, List<Prompt> prompts, Clock clock) throws Exception {
    long start = System.nanoTime();
    int tokens = 0;
    for (Prompt prompt : prompts) {
      tokens += generate(lease, prompt, clock);
    }
    return tokens * 1e9 / (System.nanoTime() - start);
  }

  private static double joined(Lease lease, List<Prompt> prompts, Clock clock) throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Integer>> texts = new ArrayList<>();
      prompts.forEach(prompt -> texts.add(() -> generate(lease, prompt, clock)));
      long start = System.nanoTime();
      int tokens = 0;
      for (Future<Integer> text : callers.invokeAll(texts)) {
        tokens += text.get();
      }
      return tokens * 1e9 / (System.nanoTime() - start);
    }
  }

  /// Texts of equal length, whatever the model would say.
  private static int generate(Lease lease, Prompt prompt, Clock clock) throws InterruptedException {
    GenerationOptions options =
        new GenerationOptions(
            TOKENS,
            TOKENS,
            GenerationOptions.Sampling.GREEDY,
            List.of(),
            OptionalInt.empty(),
            1,
            false,
            GenerationOptions.Relevance.LEFT_OUT);
    Terms terms =
        new Terms(
            Deadline.after(clock, Duration.ofMinutes(5)),
            Criticality.DEFAULT,
            new StageTimings(clock, StageListener.none()));
    List<Delta> deltas = new ArrayList<>();
    return Generator.run(lease, prompt, options, Optional.empty(), terms, deltas::add).tokens();
  }
}
