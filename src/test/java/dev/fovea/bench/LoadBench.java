package dev.fovea.bench;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.fovea.batch.Simulation;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.netty.handler.codec.http2.Http2Headers;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/// The whole server under open load: images of 96×96 as JPEG arrive as a Poisson process, whatever
/// becomes of those before them, and an engine on the real clock takes 7.8 ms and 1.48 ms more for
/// each row (twenty times the curve of the simulation). Answers are of use for a second.
///
/// Each latency is counted from the moment at which the call was due, not from that at which the
/// generator came to send it (no coordinated omission). Server and generator are two processes and
/// share the machine; what each takes of it stands beside the figures, and so does what the same
/// generator sees of a gRPC server that does nothing but refuse.
final class LoadBench {
  private static final int MAX_SIZE = 64;
  private static final Duration ALLOWED = Duration.ofSeconds(1);
  private static final int CONNECTIONS = 4;
  private static final int CALLERS = 8;
  private static final int WARM_UP_SECONDS = 8;
  private static final List<Double> OVERLOADS = List.of(2.0, 5.0, 10.0);
  private static final String METHOD = EmbeddingServiceGrpc.getEmbedMethod().getFullMethodName();
  private static final double CAPACITY = Simulation.capacity(LoadServer::nanos, MAX_SIZE);

  private LoadBench() {}

  /// @param arguments `--quick` for two seconds a load or a number for so many; after it, the
  ///   overloads that alone are of interest. `server` and `floor` for the processes that are asked
  static void run(String... arguments) throws Exception {
    String argument = arguments.length == 0 ? "15" : arguments[0];
    switch (argument) {
      case "server" -> LoadServer.serve();
      case "floor" -> RefusingServer.serve();
      case "--quick" -> run(2, List.of());
      default ->
          run(
              Integer.parseInt(argument),
              Arrays.stream(arguments).skip(1).map(Double::valueOf).toList());
    }
  }

  private static void run(int seconds, List<Double> only) throws Exception {
    System.out.printf(
        "capacity %.0f images a second, answers of use for %d ms, %d s a load%n",
        CAPACITY, ALLOWED.toMillis(), seconds);
    System.out.printf(
        "%6s %8s %9s %19s %19s %10s %8s %11s %s%n",
        "load",
        "offered",
        "goodput",
        "answered p50 / p99",
        "refused p50 / p99",
        "sent late",
        "decoded",
        "processors",
        "refusals");
    try (LoadServer server = LoadServer.start("server");
        Load load = new Load(server)) {
      warmUp(load);
      Result half = show("50%", load.run(0.5, seconds));
      double peak = 0;
      for (double factor : new double[] {0.7, 0.9, 1.0, 1.2}) {
        peak = Math.max(peak, show(percent(factor), load.run(factor, seconds)).goodput());
      }
      for (double factor : only.isEmpty() ? OVERLOADS : only) {
        Result overload = show(percent(factor), load.run(factor, seconds));
        System.out.printf(
            "        goodput %.3f of peak; images decoded for nothing: %d%n",
            overload.goodput() / peak, Math.max(0, overload.decoded() - overload.letIn()));
        recover(load, half);
      }
      if (!only.isEmpty()) {
        return;
      }
      beside(load, seconds);
      byCriticality(load, seconds);
    }
    floor(seconds);
  }

  private static String percent(double factor) {
    return "%.0f%%".formatted(100 * factor);
  }

  /// What the generator sees of a server that refuses all by their headers, at the same rates.
  private static void floor(int seconds) throws Exception {
    try (LoadServer server = LoadServer.start("floor");
        Load load = new Load(server)) {
      for (int second = 0; second < WARM_UP_SECONDS; second++) {
        load.second(10);
      }
      System.out.println("a bare gRPC server that refuses all by their headers:");
      for (double factor : OVERLOADS) {
        show(percent(factor), load.run(factor, seconds));
      }
    }
  }

  /// Until a second looks as one should, thirty at most: compiled code, full-grown heaps. Refusing
  /// is code, too.
  private static void warmUp(Load load) throws Exception {
    for (int second = 0; second < WARM_UP_SECONDS; second++) {
      load.second(second % 2 == 0 ? 2 : 10);
    }
    for (int second = 0; second < 30; second++) {
      Result result = load.second(0.8);
      if (second > 4 && result.refused().getTotalCount() == 0) {
        return;
      }
    }
    System.out.println("not warm after 30 seconds: the machine has no time for this");
  }

  /// Ten callers, each with its share of nine tenths of the capacity; then one more beside them
  /// that asks for ten shares.
  private static void beside(Load load, int seconds) throws Exception {
    double share = 0.09;
    List<Source> modest =
        IntStream.range(0, 10)
            .mapToObj(caller -> new Source(share, Source.caller("modest " + caller)))
            .toList();
    List<Source> all = new ArrayList<>(modest);
    all.add(new Source(10 * share, Source.caller("greedy")));
    double alone = load.run(modest, seconds).ok(modest);
    double beside = load.run(all, seconds).ok(modest);
    System.out.printf(
        "ten callers beside one that asks for ten shares: %.3f of their goodput%n", beside / alone);
  }

  /// Twice the capacity, a third of it of each criticality.
  private static void byCriticality(Load load, int seconds) throws Exception {
    List<Source> sources = new ArrayList<>();
    for (String criticality : List.of("critical", "default", "sheddable")) {
      for (int caller = 0; caller < 5; caller++) {
        Map<String, String> headers = new HashMap<>(Source.caller(criticality + caller));
        headers.put(Source.CRITICALITY, criticality);
        sources.add(new Source(2.0 / 15, headers));
      }
    }
    Result result = load.run(sources, seconds);
    for (int first = 0; first < sources.size(); first += 5) {
      List<Source> same = sources.subList(first, first + 5);
      System.out.printf(
          "%s at twice the capacity: %.3f answered%n",
          same.getFirst().headers().get(Source.CRITICALITY), result.ok(same) / result.sent(same));
    }
  }

  /// How long it takes after an overload until a second looks as it does at that load otherwise.
  private static void recover(Load load, Result normal) throws Exception {
    double bound = 2 * normal.answered().getValueAtPercentile(99);
    for (int second = 1; second <= 15; second++) {
      Result result = load.second(0.5);
      boolean isNormal =
          result.refused().getTotalCount() == 0
              && result.answered().getValueAtPercentile(99) <= bound;
      if (isNormal) {
        System.out.printf("        back to normal in the %d. second%n", second);
        return;
      }
    }
    System.out.println("        not back to normal in 15 seconds");
  }

  private static Result show(String name, Result result) {
    System.out.printf(
        "%6s %8.0f %9.0f %19s %19s %7.1f ms %8d %11s %s%n",
        name,
        result.offered(),
        result.goodput(),
        millis(result.answered()),
        millis(result.refused()),
        result.lag().getValueAtPercentile(99) / 1e6,
        result.decoded(),
        "%.2f + %.2f".formatted(result.serverProcessors(), result.ownProcessors()),
        result.reasons());
    return result;
  }

  private static String millis(Histogram histogram) {
    return histogram.getTotalCount() == 0
        ? "-"
        : String.format(
            "%.1f / %.1f ms",
            histogram.getValueAtPercentile(50) / 1e6, histogram.getValueAtPercentile(99) / 1e6);
  }

  /// Where calls come from.
  ///
  /// @param factor calls a second ÷ capacity
  /// @param headers of its calls
  private record Source(double factor, Map<String, String> headers) {
    static final String CRITICALITY = "fovea-criticality";

    static Map<String, String> caller(String name) {
      return Map.of("fovea-caller", name);
    }
  }

  /// What came of one load.
  ///
  /// @param offered calls a second
  /// @param goodput calls a second that were answered in time
  /// @param letIn calls that were not refused
  /// @param lag nanoseconds from the moment at which a call was due to that at which it was sent
  /// @param answered latencies in nanoseconds
  /// @param refused likewise
  /// @param decoded images that the server decoded
  /// @param serverProcessors processors that the server kept busy
  /// @param ownProcessors those that the generator did
  /// @param reasons of refusals, with their numbers
  /// @param sent calls by source
  /// @param okBySource calls that were answered in time, likewise
  private record Result(
      double offered,
      double goodput,
      long letIn,
      Histogram lag,
      Histogram answered,
      Histogram refused,
      long decoded,
      double serverProcessors,
      double ownProcessors,
      Map<String, Long> reasons,
      Map<Source, Long> sent,
      Map<Source, Long> okBySource) {
    double sent(List<Source> sources) {
      return sources.stream().mapToLong(source -> sent.getOrDefault(source, 0L)).sum();
    }

    double ok(List<Source> sources) {
      return sources.stream().mapToLong(source -> okBySource.getOrDefault(source, 0L)).sum();
    }
  }

  /// Calls at random times, on a few connections.
  private static final class Load implements AutoCloseable {
    private final LoadServer server;
    private final OpenLoop loop;
    private final byte[] message;
    private final Random random = new Random(1);

    Load(LoadServer server) throws Exception {
      this.server = server;
      this.loop = new OpenLoop(server.port(), CONNECTIONS);
      this.message = framed(Requests.embed(Requests.image(jpeg(random))).toByteArray());
    }

    /// Many callers who all ask alike, from one moment to the other.
    Result second(double factor) throws Exception {
      return run(alike(factor), 0, 1);
    }

    /// Many callers who all ask alike, after a second of the same that does not count.
    Result run(double factor, int seconds) throws Exception {
      return run(alike(factor), seconds);
    }

    Result run(List<Source> sources, int seconds) throws Exception {
      return run(sources, 1, seconds);
    }

    private static List<Source> alike(double factor) {
      return IntStream.range(0, CALLERS)
          .mapToObj(caller -> new Source(factor / CALLERS, Source.caller("caller " + caller)))
          .toList();
    }

    private Result run(List<Source> sources, int before, int seconds) throws Exception {
      LoadServer.Figures figures = server.figures();
      long cpu = LoadServer.cpuNanos();
      Poisson plan = new Poisson(sources, before + seconds);
      Tally tally = new Tally(plan.due + TimeUnit.SECONDS.toNanos(before), seconds);
      loop.run(plan, tally, before + seconds);
      return tally.result(
          plan, before + seconds, server.figures().since(figures), LoadServer.cpuNanos() - cpu);
    }

    @Override
    public void close() {
      loop.close();
    }

    /// Calls of some sources, at random moments.
    private final class Poisson implements OpenLoop.Plan {
      private final Map<OpenLoop.Call, Source> sources = new IdentityHashMap<>();
      private final List<OpenLoop.Call> calls = new ArrayList<>();
      private final Map<Source, Long> sent = new HashMap<>();
      private final double[] upTo;
      private final double total;
      private final long end;
      private long due = System.nanoTime();

      Poisson(List<Source> from, int seconds) {
        upTo = new double[from.size()];
        double sum = 0;
        for (int i = 0; i < upTo.length; i++) {
          Source source = from.get(i);
          sum += source.factor();
          upTo[i] = sum;
          OpenLoop.Call call =
              new OpenLoop.Call(METHOD, source.headers(), message, ALLOWED.toNanos());
          calls.add(call);
          sources.put(call, source);
        }
        total = sum;
        end = due + TimeUnit.SECONDS.toNanos(seconds);
        advance();
      }

      private void advance() {
        due += (long) (-Math.log(1 - random.nextDouble()) / (total * CAPACITY) * 1e9);
      }

      @Override
      public long due() {
        return due < end ? due : Long.MAX_VALUE;
      }

      @Override
      public OpenLoop.Call take() {
        advance();
        int at = Arrays.binarySearch(upTo, random.nextDouble() * total);
        OpenLoop.Call call = calls.get(Math.min(at < 0 ? -1 - at : at, upTo.length - 1));
        sent.merge(sources.get(call), 1L, Long::sum);
        return call;
      }
    }

    /// A message with what stands before it on the wire: not compressed, so long.
    private static byte[] framed(byte[] message) {
      return ByteBuffer.allocate(5 + message.length)
          .put((byte) 0)
          .putInt(message.length)
          .put(message)
          .array();
    }

    private static byte[] jpeg(Random random) throws IOException {
      BufferedImage picture = new BufferedImage(96, 96, BufferedImage.TYPE_INT_RGB);
      for (int y = 0; y < 96; y++) {
        for (int x = 0; x < 96; x++) {
          picture.setRGB(x, y, 2 * x << 16 | 2 * y << 8 | random.nextInt(64));
        }
      }
      ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
      ImageIO.write(picture, "jpeg", jpeg);
      return jpeg.toByteArray();
    }
  }

  /// Counts.
  private static final class Tally implements OpenLoop.Listener {
    private static final String DETAILS = "grpc-status-details-bin";

    private final Histogram lag = new Histogram(3);
    private final Histogram answered = new Histogram(3);
    private final Histogram refused = new Histogram(3);
    private final Map<String, Long> reasons = new TreeMap<>();
    private final Map<OpenLoop.Call, Long> ok = new IdentityHashMap<>();
    private final long from;
    private final int seconds;
    private long inTime;
    private long letIn;

    /// @param from when answers begin to count
    /// @param seconds for how long
    Tally(long from, int seconds) {
      this.from = from;
      this.seconds = seconds;
    }

    @Override
    public void sent(long late) {
      lag.recordValue(Math.max(0, late));
    }

    @Override
    public void ended(OpenLoop.Call call, long nanos, @Nullable Http2Headers trailers) {
      String reason = trailers == null ? "RESET" : reason(trailers);
      if (reason.equals("OK")) {
        answered.recordValue(nanos);
        letIn++;
        if (nanos <= ALLOWED.toNanos()) {
          long at = System.nanoTime() - from;
          inTime += at >= 0 && at < TimeUnit.SECONDS.toNanos(seconds) ? 1 : 0;
          ok.merge(call, 1L, Long::sum);
        }
        return;
      }
      reasons.merge(reason, 1L, Long::sum);
      switch (reason) {
        // Refused before their time was over.
        case "QUEUE_FULL", "RATE_LIMITED", "DEADLINE_UNREACHABLE" -> refused.recordValue(nanos);
        default -> letIn++;
      }
    }

    /// `OK`, the reason of the refusal, or the number of the status where it has none.
    private static String reason(Http2Headers trailers) {
      CharSequence status = trailers.get("grpc-status");
      CharSequence details = trailers.get(DETAILS);
      if (details == null) {
        return "0".contentEquals(status) ? "OK" : "status " + status;
      }
      try {
        byte[] bytes = Base64.getDecoder().decode(details.toString());
        for (Any detail : com.google.rpc.Status.parseFrom(bytes).getDetailsList()) {
          if (detail.is(ErrorInfo.class)) {
            return detail.unpack(ErrorInfo.class).getReason();
          }
        }
        return "status " + status;
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException(e);
      }
    }

    Result result(Load.Poisson plan, int planned, LoadServer.Figures server, long cpuNanos) {
      Map<Source, Long> okBySource = new HashMap<>();
      ok.forEach((call, count) -> okBySource.put(plan.sources.get(call), count));
      return new Result(
          plan.sent.values().stream().mapToLong(Long::longValue).sum() / (double) planned,
          inTime / (double) seconds,
          letIn,
          lag,
          answered,
          refused,
          server.decoded(),
          server.cpuNanos() / 1e9 / planned,
          cpuNanos / 1e9 / planned,
          reasons,
          plan.sent,
          okBySource);
    }
  }
}
