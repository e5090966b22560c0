package dev.fovea.bench;

import static java.util.Objects.requireNonNull;

import dev.fovea.v1.Timings;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/// Fovea beside what one would write in Python: Ray Serve with its batching, and FastAPI under
/// uvicorn. The same model, engine version, JPEG files and number of sessions; each server alone,
/// by turns, with its clients on the same machine. First as many images as it can, then 70 % of
/// that at random moments, whatever becomes of others, with latencies from the moment due.
final class PeersBench {
  private static final int TURNS = 2;
  private static final int CALLERS = 16;
  private static final int PICTURES = 8;
  private static final int UNLOADED = 100;
  private static final double LOAD = 0.7;
  private static final List<Contestant> PEERS = List.of(Contestant.FASTAPI, Contestant.RAY);
  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();
  private static final Pattern READY = Pattern.compile("Fovea is ready.* gRPC \\S+:(\\d+),.*");
  private static final Pattern SHARE = Pattern.compile("(?m)^Pss:\\s+(\\d+) kB");

  private final List<byte[]> pictures;
  private final int seconds;
  private final Random random = new Random(1);
  private final Map<Contestant, Figures> figures = new EnumMap<>(Contestant.class);

  /// Fovea's latencies at the loads that its peers are measured with.
  private final Map<Contestant, Histogram> atLoadOf = new EnumMap<>(Contestant.class);

  private final List<Timings> unloaded = new ArrayList<>();

  private PeersBench(List<byte[]> pictures, int seconds) {
    this.pictures = pictures;
    this.seconds = seconds;
  }

  /// In the order of their turns.
  private enum Contestant {
    FASTAPI("FastAPI + uvicorn"),
    RAY("Ray Serve"),
    FOVEA("Fovea");

    final String title;

    Contestant(String title) {
      this.title = title;
    }
  }

  /// What came of the turns of one contestant.
  private static final class Figures {
    final List<Double> rates = new ArrayList<>();
    final Histogram latencies = new ConcurrentHistogram(3);
    double serverProcessors;
    double ownProcessors;
    double megabytes;

    double rate() {
      return Bench.median(rates.stream().mapToDouble(Double::doubleValue).toArray());
    }

    double millis(double percentile) {
      return latencies.getValueAtPercentile(percentile) / 1e6;
    }
  }

  /// @param arguments `--quick` for three seconds a measurement, a number for so many, else fifteen
  static void run(String... arguments) throws Exception {
    // Shorter than the servers keep a connection that nobody uses.
    System.setProperty("jdk.httpclient.keepalive.timeout", "2");
    String seconds = arguments.length == 0 ? "15" : arguments[0];
    Random random = new Random(7);
    List<byte[]> pictures = new ArrayList<>();
    for (int i = 0; i < PICTURES; i++) {
      pictures.add(picture(random));
    }
    new PeersBench(pictures, seconds.equals("--quick") ? 3 : Integer.parseInt(seconds)).run();
  }

  private void run() throws Exception {
    int sessions = BridgeProcess.vision().instances();
    System.out.printf(
        "%d pictures of 640×480, %.0f kB on average; %d processors, %d sessions, %d callers, "
            + "%d turns of %d s%n",
        PICTURES,
        pictures.stream().mapToInt(each -> each.length).average().orElseThrow() / 1e3,
        PROCESSORS,
        sessions,
        CALLERS,
        TURNS,
        seconds);
    float[] expected = null;
    for (int turn = 0; turn < TURNS; turn++) {
      for (Contestant contestant : Contestant.values()) {
        try (Server server = start(contestant, sessions)) {
          float[] vector = server.client.embed(0);
          expected = expected == null ? vector : expected;
          requireAlike(contestant, expected, vector);
          measure(contestant, server);
        }
      }
      System.out.printf("%nafter turn %d of %d%n", turn + 1, TURNS);
      report();
    }
  }

  private void measure(Contestant contestant, Server server) throws Exception {
    Figures result = figures.computeIfAbsent(contestant, _ -> new Figures());
    saturate(server.client, seconds + 1);
    if (server.client instanceof PeerClient.Grpc grpc) {
      for (int i = 0; i < UNLOADED; i++) {
        unloaded.add(grpc.ask(i % PICTURES).getCallInfo().getTimings());
      }
    }
    long serverNanos = server.process.cpuNanos();
    long ownNanos = LoadServer.cpuNanos();
    double rate = saturate(server.client, seconds);
    result.rates.add(rate);
    result.serverProcessors += (server.process.cpuNanos() - serverNanos) / 1e9 / seconds;
    result.ownProcessors += (LoadServer.cpuNanos() - ownNanos) / 1e9 / seconds;
    offer(server.client, LOAD * rate, result.latencies);
    result.megabytes = Math.max(result.megabytes, megabytes(server.process.process()));
    if (contestant == Contestant.FOVEA) {
      for (Contestant peer : PEERS) {
        offer(
            server.client,
            LOAD * figures(peer).rate(),
            atLoadOf.computeIfAbsent(peer, _ -> new ConcurrentHistogram(3)));
      }
    }
  }

  /// Each caller asks again as soon as it has its answer.
  ///
  /// @return answers a second
  private static double saturate(PeerClient client, int seconds) throws Exception {
    LongAdder answers = new LongAdder();
    long start = System.nanoTime();
    long end = start + TimeUnit.SECONDS.toNanos(seconds);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        int first = caller;
        all.add(
            callers.submit(() -> {
              for (int i = first; System.nanoTime() < end; i++) {
                var _ = client.embed(i % PICTURES);
                answers.increment();
              }
              return null;
            }));
      }
      for (Future<?> caller : all) {
        caller.get();
      }
    }
    return answers.sum() / ((System.nanoTime() - start) / 1e9);
  }

  /// Poisson arrivals; half as long again as a measurement of saturation.
  private void offer(PeerClient client, double rate, Histogram latencies) throws Exception {
    long due = System.nanoTime();
    long end = due + TimeUnit.MILLISECONDS.toNanos(1500L * seconds);
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      while (due < end) {
        due += (long) (-Math.log(1 - random.nextDouble()) / rate * 1e9);
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
          LockSupport.parkNanos(left);
        }
        long from = due;
        int picture = random.nextInt(PICTURES);
        all.add(
            callers.submit(() -> {
              var _ = client.embed(picture);
              latencies.recordValue(System.nanoTime() - from);
              return null;
            }));
      }
      for (Future<?> call : all) {
        call.get();
      }
    }
  }

  private void report() {
    double decode = millis(Timings::getDecode);
    double backend = millis(Timings::getBackend);
    double ceiling = PROCESSORS * 1000 / (decode + backend);
    System.out.printf(
        "unloaded, medians: decode %.2f ms, preprocess %.2f, queue %.2f, engine %.2f, in all %.2f%n"
            + "ceiling, %d processors ÷ (decode + engine): %.0f images/s%n%n",
        decode,
        millis(Timings::getPreprocess),
        millis(Timings::getQueue),
        backend,
        millis(Timings::getTotal),
        PROCESSORS,
        ceiling);
    System.out.println(
        "| server | images/s (each turn) | ÷ ceiling, ÷ that of processors that clients leave |"
            + " processors: server + clients | p50 / p99 at 70 % | memory |");
    System.out.println("|---|---|---|---|---|---|");
    figures.forEach((contestant, result) -> {
      double clients = result.ownProcessors / result.rates.size();
      System.out.printf(
          "| %s | %.0f (%s) | %.2f, %.2f | %.2f + %.2f | %.1f / %.1f ms | %.0f MB |%n",
          contestant.title,
          result.rate(),
          String.join(", ", result.rates.stream().map("%.0f"::formatted).toList()),
          result.rate() / ceiling,
          result.rate() / ceiling * PROCESSORS / (PROCESSORS - clients),
          result.serverProcessors / result.rates.size(),
          clients,
          result.millis(50),
          result.millis(99),
          result.megabytes);
    });
    Figures fovea = figures(Contestant.FOVEA);
    for (Contestant peer : PEERS) {
      Figures other = figures(peer);
      double spent = other.serverProcessors / other.rates.stream().mapToDouble(x -> x).sum() * 1e3;
      double p99 = requireNonNull(atLoadOf.get(peer)).getValueAtPercentile(99) / 1e6;
      System.out.printf(
          "%nFovea ÷ %s: images/s %.2f (by its %.1f ms of processors' time an image, what costs"
              + " decode and engine alone has %.2f); at its load p99 %.1f ms, %.2f of its%n",
          peer.title,
          fovea.rate() / other.rate(),
          spent,
          spent / (decode + backend),
          p99,
          p99 / other.millis(99));
    }
  }

  private Figures figures(Contestant contestant) {
    return requireNonNull(figures.get(contestant));
  }

  private double millis(Function<Timings, com.google.protobuf.Duration> stage) {
    return Bench.median(
        unloaded.stream()
            .map(stage)
            .mapToDouble(time -> time.getSeconds() * 1e3 + time.getNanos() / 1e6)
            .toArray());
  }

  /// The decoders may differ in the last bit of a pixel, no more.
  private static void requireAlike(Contestant contestant, float[] expected, float[] vector) {
    double cosine =
        dot(expected, vector) / Math.sqrt(dot(expected, expected) * dot(vector, vector));
    if (!(cosine > 0.9999)) {
      throw new IllegalStateException(
          "%s answers another vector: cosine %f (expected: > 0.9999)"
              .formatted(contestant.title, cosine));
    }
  }

  private static double dot(float[] left, float[] right) {
    return IntStream.range(0, left.length).mapToDouble(i -> left[i] * right[i]).sum();
  }

  // --- Servers and clients ---

  private static List<ProcessHandle> tree(Process process) {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
  }

  /// What the processes have resident, pages that several share counted once.
  private static double megabytes(Process process) throws IOException {
    double sum = 0;
    for (ProcessHandle each : tree(process)) {
      Path rollup = Path.of("/proc/" + each.pid() + "/smaps_rollup");
      Matcher share = SHARE.matcher(Files.exists(rollup) ? Files.readString(rollup) : "");
      sum += share.find() ? Long.parseLong(share.group(1)) * 1024 / 1e6 : 0;
    }
    return sum;
  }

  private Server start(Contestant contestant, int sessions) throws Exception {
    return switch (contestant) {
      case FASTAPI -> startPeer("peers/fastapi_server.py", sessions);
      case RAY -> startPeer("peers/ray_server.py", sessions);
      case FOVEA -> startFovea();
    };
  }

  private Server startFovea() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("./fovea", "serve", "--port", "0", "--http-port", "0")
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("FOVEA_CACHE_MAX_BYTES", "0");
    Process process = builder.start();
    BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Matcher ready = READY.matcher(line);
      if (ready.matches()) {
        int port = Integer.parseInt(ready.group(1));
        return new Server(new BridgeProcess(process, port), new PeerClient.Grpc(port, pictures));
      }
    }
    throw new IOException("the server ended before it was ready");
  }

  /// Ready once it answers: both listen before they can.
  private Server startPeer(String script, int sessions) throws Exception {
    int port = BridgeProcess.freePort();
    Process process =
        new ProcessBuilder("src/test/python/python.sh", script, String.valueOf(port), "" + sessions)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(Path.of("target/peers.log").toFile())
            .start();
    Server server =
        new Server(new BridgeProcess(process, port), new PeerClient.Http(port, pictures));
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
    while (process.isAlive() && System.nanoTime() < end) {
      try {
        var _ = server.client.embed(0);
        return server;
      } catch (IOException _) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      }
    }
    server.close();
    throw new IOException(script + " did not start; target/peers.log says why");
  }

  private record Server(BridgeProcess process, PeerClient client) implements AutoCloseable {
    /// The whole tree, and waits for its end: the next one wants the processors.
    @Override
    public void close() throws InterruptedException {
      client.close();
      List<ProcessHandle> all = tree(process.process());
      process.close();
      var _ = process.process().waitFor(20, TimeUnit.SECONDS);
      all.forEach(ProcessHandle::destroyForcibly);
    }
  }

  // --- Pictures ---

  /// Colours that change over all distances, over short ones less: as photographs have them.
  private static byte[] picture(Random random) throws IOException {
    BufferedImage picture = new BufferedImage(640, 480, BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = picture.createGraphics();
    canvas.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    for (int columns = 4; columns <= 256; columns *= 2) {
      BufferedImage layer =
          new BufferedImage(columns, columns * 3 / 4, BufferedImage.TYPE_INT_ARGB);
      int alpha = Math.min(255, 5000 / columns);
      for (int y = 0; y < layer.getHeight(); y++) {
        for (int x = 0; x < columns; x++) {
          layer.setRGB(x, y, alpha << 24 | random.nextInt(1 << 24));
        }
      }
      canvas.drawImage(layer, 0, 0, 640, 480, null);
    }
    canvas.dispose();
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    ImageIO.write(picture, "jpeg", jpeg);
    return jpeg.toByteArray();
  }
}
