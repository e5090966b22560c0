package dev.fovea.bench;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import com.sun.management.UnixOperatingSystemMXBean;
import dev.fovea.app.TestGateway;
import dev.fovea.fake.ChangingRepository;
import dev.fovea.rpc.Requests;
import dev.fovea.rpc.Uploads;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.ListModelsRequest;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.StreamEmbedItem;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedResponse;
import dev.fovea.v1.StreamEmbedSetup;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/// The whole server on its own models for as long as one likes, under everything that clients do:
/// ordinary calls, hopeless deadlines, callers that leave, connections that break in the middle,
/// broken images, streams, uploads, while the models are swapped. What the process holds must not
/// grow with time: its heap after a collection, its threads, its open files, its resident memory.
public final class Soak {
  private static final Path PICTURE = Path.of("src/test/resources/golden/images/420-q90.jpg");

  /// What is watched, and how much of it may come in a minute beside what a run needs in any case.
  private enum Holding {
    HEAP("heap after a collection", "MB", 1, 6),
    THREADS("platform threads", "", 0.05, 4),
    FILES("open files", "", 0.05, 6),
    RESIDENT("resident memory", "MB", 2, 48);

    private final String name;
    private final String unit;
    private final double perMinute;
    private final double once;

    Holding(String name, String unit, double perMinute, double once) {
      this.name = name;
      this.unit = unit;
      this.perMinute = perMinute;
      this.once = once;
    }
  }

  /// What one run is like.
  ///
  /// @param time how long it takes
  /// @param pause between two steps
  /// @param sampleEvery time between two looks at what is held
  /// @param swapEvery time between two swaps of the models
  /// @param leaks whether each step keeps something: the control that must fail
  public record Plan(
      Duration time, Duration pause, Duration sampleEvery, Duration swapEvery, boolean leaks) {
    /// As long as that, gently.
    public static Plan of(Duration time, boolean leaks) {
      boolean isLong = time.compareTo(Duration.ofMinutes(5)) >= 0;
      return new Plan(
          time,
          isLong ? Duration.ofMillis(400) : Duration.ofMillis(20),
          isLong ? Duration.ofSeconds(30) : time.dividedBy(24),
          isLong ? Duration.ofMinutes(1) : time.dividedBy(6),
          leaks);
    }
  }

  /// What came of a run.
  ///
  /// @param calls by scenario
  /// @param faults what went otherwise than it should
  /// @param slopes of what is held, a minute, over the second half
  public record Result(Map<String, Long> calls, List<String> faults, Map<String, Double> slopes) {
    public boolean passed() {
      return faults.isEmpty();
    }
  }

  private final Plan plan;
  private final PrintStream out;
  private final Random random = new Random(8);
  private final ByteString picture;
  private final Map<String, Long> calls = new java.util.TreeMap<>();
  private final List<String> faults = new ArrayList<>();
  private final List<Object> leaked = new ArrayList<>();
  private final CountDownLatch end = new CountDownLatch(1);

  private Soak(Plan plan, PrintStream out) throws IOException {
    this.plan = plan;
    this.out = out;
    this.picture = ByteString.copyFrom(Files.readAllBytes(PICTURE));
  }

  /// `[--minutes N] [--leak]`
  static void main(String... arguments) throws Exception {
    Duration time = Duration.ofMinutes(1);
    boolean leaks = false;
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--minutes" -> time = Duration.ofMinutes(Long.parseLong(arguments[++i]));
        case "--leak" -> leaks = true;
        default -> throw new IllegalArgumentException("soak: " + arguments[i]);
      }
    }
    Result result = run(Plan.of(time, leaks), System.out);
    System.exit(result.passed() ? 0 : 1);
  }

  /// Runs and prints.
  public static Result run(Plan plan, PrintStream out) throws Exception {
    Path folder = Files.createTempDirectory("fovea-soak");
    ChangingRepository repository = new ChangingRepository(folder, TestGateway.SHIPPED_REPOSITORY);
    List<Path> sets = List.of(repository.prepare(1), repository.prepare(2));
    repository.publish(sets.getFirst());
    Map<String, String> settings =
        Map.of(
            "fovea.repository", repository.root().toString(),
            "fovea.repository-poll-interval", "500ms",
            "fovea.cache.max-bytes", "1048576",
            "fovea.uploads.time-to-live", "10s",
            "fovea.call.default-deadline", "20s");
    Soak soak = new Soak(plan, out);
    try (TestGateway gateway = TestGateway.start(settings)) {
      return soak.run(gateway, repository, sets);
    } finally {
      soak.end.countDown();
      deleteAll(folder);
    }
  }

  private Result run(TestGateway gateway, ChangingRepository repository, List<Path> sets)
      throws Exception {
    long start = System.nanoTime();
    long nextSample = start;
    long nextSwap = start + plan.swapEvery().toNanos();
    int swaps = 0;
    List<Sample> samples = new ArrayList<>();
    while (System.nanoTime() - start < plan.time().toNanos()) {
      if (System.nanoTime() - nextSample >= 0) {
        samples.add(Sample.take(System.nanoTime() - start));
        print(samples.getLast());
        nextSample += plan.sampleEvery().toNanos();
      }
      if (System.nanoTime() - nextSwap >= 0) {
        swaps++;
        repository.publish(sets.get(swaps % sets.size()));
        nextSwap += plan.swapEvery().toNanos();
      }
      step(gateway);
      if (plan.leaks()) {
        leak();
      }
      LockSupport.parkNanos(plan.pause().toNanos());
    }
    settle(gateway);
    samples.add(Sample.take(System.nanoTime() - start));
    print(samples.getLast());
    calls.put("swaps", (long) gateway.metric("fovea.models.swaps"));
    if (swaps > 0 && calls.get("swaps") == 0) {
      faults.add("the models were never swapped");
    }
    return judge(samples);
  }

  /// Everything that calls took is given back when they have ended.
  private void settle(TestGateway gateway) {
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    for (String gauge :
        List.of(
            "fovea.admission.items", "fovea.decoded.bytes", "fovea.cpu.waiting", "fovea.streams")) {
      while (gateway.metric(gauge) != 0 && System.nanoTime() - patience < 0) {
        LockSupport.parkNanos(1_000_000);
      }
      if (gateway.metric(gauge) != 0) {
        faults.add(gauge + " is " + gateway.metric(gauge) + " when every call has ended");
      }
    }
  }

  // --- What clients do ---

  private void step(TestGateway gateway) throws Exception {
    int dice = random.nextInt(100);
    try {
      if (dice < 30) {
        count("embed");
        embed(gateway, Requests.embed(Requests.noise(random.nextInt()), Requests.text("a cat")));
      } else if (dice < 40) {
        count("embed again");
        embed(gateway, Requests.embed(Requests.noise(random.nextInt(8))));
      } else if (dice < 50) {
        count("classify");
        ClassificationServiceGrpc.newBlockingStub(gateway.channel())
            .classify(Requests.classify(Requests.noise(random.nextInt()), "a cat", "a dog"));
      } else if (dice < 60) {
        count("hopeless deadline");
        expect(
            List.of(Code.DEADLINE_EXCEEDED, Code.OK),
            () ->
                EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                    .withDeadlineAfter(random.nextInt(5), TimeUnit.MILLISECONDS)
                    .embed(large()));
      } else if (dice < 70) {
        count("caller that leaves");
        ListenableFuture<EmbedResponse> call =
            EmbeddingServiceGrpc.newFutureStub(gateway.channel()).embed(large());
        LockSupport.parkNanos(random.nextInt(5_000_000));
        call.cancel(true);
      } else if (dice < 77) {
        count("connection that breaks");
        breakConnection(gateway);
      } else if (dice < 85) {
        count("broken image");
        brokenImage(gateway);
      } else if (dice < 93) {
        count("stream");
        stream(gateway);
      } else if (dice < 97) {
        count("upload");
        Uploads.upload(gateway.channel(), picture.toByteArray());
      } else {
        count("models");
        ModelServiceGrpc.newBlockingStub(gateway.channel())
            .listModels(ListModelsRequest.getDefaultInstance());
      }
    } catch (StatusRuntimeException e) {
      faults.add("a call was refused: " + e.getStatus());
    }
  }

  private void count(String scenario) {
    calls.merge(scenario, 1L, Long::sum);
  }

  private static void embed(TestGateway gateway, EmbedRequest request) {
    EmbedResponse response = EmbeddingServiceGrpc.newBlockingStub(gateway.channel()).embed(request);
    if (!response.getResultsList().stream().allMatch(result -> result.hasEmbedding())) {
      throw new IllegalStateException("an item was refused: " + response);
    }
  }

  private EmbedRequest large() {
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    for (int i = 0; i < 4; i++) {
      request.addItems(Requests.noise(random.nextInt()));
    }
    return request.build();
  }

  private void expect(List<Code> expected, Runnable call) {
    Code code = Code.OK;
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      code = e.getStatus().getCode();
    }
    if (!expected.contains(code)) {
      faults.add(code + " (expected: " + expected + ")");
    }
  }

  private void breakConnection(TestGateway gateway) throws InterruptedException {
    ManagedChannel channel = gateway.newChannel();
    ListenableFuture<EmbedResponse> call =
        EmbeddingServiceGrpc.newFutureStub(channel).embed(large());
    try {
      call.get(random.nextInt(10), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException _) {
      // It is in the middle of something, as it should be.
    }
    channel.shutdownNow();
    if (!channel.awaitTermination(20, TimeUnit.SECONDS)) {
      faults.add("a connection did not end");
    }
  }

  private void brokenImage(TestGateway gateway) {
    byte[] bytes = picture.toByteArray();
    for (int i = 0; i < 40; i++) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    expect(
        List.of(Code.OK),
        () ->
            EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                .embed(Requests.embed(Requests.image(bytes))));
  }

  private void stream(TestGateway gateway) throws InterruptedException {
    BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> stream =
        EmbeddingServiceGrpc.newBlockingV2Stub(gateway.channel()).streamEmbed();
    boolean leaves = random.nextInt(4) == 0;
    try {
      stream.write(
          StreamEmbedRequest.newBuilder().setSetup(StreamEmbedSetup.getDefaultInstance()).build());
      for (int sequence = 1; sequence <= 5; sequence++) {
        stream.write(
            StreamEmbedRequest.newBuilder()
                .setItem(
                    StreamEmbedItem.newBuilder()
                        .setSequence(sequence)
                        .setItem(Requests.noise(random.nextInt())))
                .build());
      }
      if (leaves) {
        stream.cancel("enough", null);
        return;
      }
      stream.halfClose();
      boolean summed = false;
      for (StreamEmbedResponse r = stream.read(); r != null; r = stream.read()) {
        summed |= r.hasSummary();
      }
      if (!summed) {
        faults.add("a stream ended without its summary");
      }
    } catch (StatusException e) {
      faults.add("a stream was refused: " + e.getStatus());
    }
  }

  /// What a careless server would keep of a call.
  private void leak() throws IOException {
    leaked.add(new byte[1 << 20]);
    InputStream file = Files.newInputStream(PICTURE);
    leaked.add(file);
    leaked.add(
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                end.await();
              } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
              }
            }));
  }

  // --- What the process holds ---

  private record Sample(long nanos, Map<Holding, Double> held) {
    static Sample take(long nanos) throws IOException {
      System.gc();
      Map<Holding, Double> held = new EnumMap<>(Holding.class);
      held.put(
          Holding.HEAP, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1e6);
      held.put(Holding.THREADS, (double) ManagementFactory.getThreadMXBean().getThreadCount());
      held.put(
          Holding.FILES,
          ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
              ? (double) unix.getOpenFileDescriptorCount()
              : 0);
      held.put(Holding.RESIDENT, resident());
      return new Sample(nanos, held);
    }

    private static double resident() throws IOException {
      Path status = Path.of("/proc/self/status");
      if (!Files.exists(status)) {
        return 0;
      }
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) * 1024 / 1e6)
          .findFirst()
          .orElse(0);
    }

    double minutes() {
      return nanos / 60e9;
    }
  }

  private void print(Sample sample) {
    out.printf(
        Locale.ROOT,
        "%6.1f min  heap %7.2f MB  threads %3.0f  files %3.0f  resident %7.1f MB  calls %d%n",
        sample.minutes(),
        sample.held().get(Holding.HEAP),
        sample.held().get(Holding.THREADS),
        sample.held().get(Holding.FILES),
        sample.held().get(Holding.RESIDENT),
        calls.values().stream().mapToLong(Long::longValue).sum());
  }

  /// The first half is for caches to fill and code to be compiled; the second must be level.
  private Result judge(List<Sample> samples) {
    List<Sample> second = samples.subList(samples.size() / 2, samples.size());
    double minutes = second.getLast().minutes() - second.getFirst().minutes();
    Map<String, Double> slopes = new java.util.TreeMap<>();
    for (Holding holding : Holding.values()) {
      double slope = slope(second, holding);
      slopes.put(holding.name, slope);
      double most = holding.perMinute + holding.once / minutes;
      out.printf(
          Locale.ROOT,
          "%-24s %+8.3f %s a minute (at most %.3f)%n",
          holding.name,
          slope,
          holding.unit,
          most);
      if (slope > most) {
        faults.add("%s grows by %.3f %s a minute".formatted(holding.name, slope, holding.unit));
      }
    }
    out.println(calls);
    faults.stream().distinct().limit(20).forEach(fault -> out.println("FAULT " + fault));
    out.println(faults.isEmpty() ? "nothing grows" : faults.size() + " faults");
    return new Result(calls, faults, slopes);
  }

  /// The median of the slopes between all pairs of samples (Theil and Sen): a collection that came
  /// too late or too early does not count.
  private static double slope(List<Sample> samples, Holding holding) {
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      for (int j = i + 1; j < samples.size(); j++) {
        double rise = samples.get(j).held().get(holding) - samples.get(i).held().get(holding);
        slopes.add(rise / (samples.get(j).minutes() - samples.get(i).minutes()));
      }
    }
    return Bench.median(slopes.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static void deleteAll(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
