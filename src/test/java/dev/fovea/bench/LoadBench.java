package dev.fovea.bench;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.fovea.batch.Simulation;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceFutureStub;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/// The whole server under open load: images of 96×96 as JPEG arrive as a Poisson process, whatever
/// becomes of those before them, and an engine on the real clock takes 7.8 ms and 1.48 ms more for
/// each row (twenty times the curve of the simulation). Answers are of use for a second.
///
/// Each latency is counted from the moment at which the call was due, not from that at which the
/// generator came to send it (no coordinated omission). Server and generator are two processes and
/// share the machine.
final class LoadBench {
  private static final int MAX_SIZE = 64;
  private static final Duration ALLOWED = Duration.ofSeconds(1);
  private static final int CONNECTIONS = 4;
  private static final int CALLERS = 8;
  private static final double CAPACITY = Simulation.capacity(LoadServer::nanos, MAX_SIZE);

  private LoadBench() {}

  /// @param arguments `--quick` for two seconds a load, a number for so many, `server` for the
  ///   process that is asked
  static void run(String... arguments) throws Exception {
    String argument = arguments.length == 0 ? "15" : arguments[0];
    switch (argument) {
      case "server" -> LoadServer.serve();
      case "--quick" -> run(2);
      default -> run(Integer.parseInt(argument));
    }
  }

  private static void run(int seconds) throws Exception {
    System.out.printf(
        "capacity %.0f images a second, answers of use for %d ms, %d s a load%n",
        CAPACITY, ALLOWED.toMillis(), seconds);
    try (LoadServer server = LoadServer.start()) {
      Load load = new Load(server);
      warmUp(load);
      System.out.printf(
          "%6s %8s %9s %19s %19s %9s %s%n",
          "load",
          "offered",
          "goodput",
          "answered p50 / p99",
          "refused p50 / p99",
          "decoded",
          "refusals");
      Result half = show(0.5, load.run(0.5, seconds));
      double peak = 0;
      for (double factor : new double[] {0.7, 0.9, 1.0, 1.2}) {
        peak = Math.max(peak, show(factor, load.run(factor, seconds)).goodput());
      }
      for (double factor : new double[] {2, 5, 10}) {
        Result overload = show(factor, load.run(factor, seconds));
        System.out.printf(
            "        goodput %.3f of peak; images decoded for nothing: %d%n",
            overload.goodput() / peak,
            Math.max(0, overload.decoded() - overload.ok() - overload.late()));
        recover(load, half);
      }
      beside(load, seconds);
      byCriticality(load, seconds);
    }
  }

  /// Until a second looks as one should, thirty at most: compiled code, full-grown heaps.
  private static void warmUp(Load load) throws Exception {
    for (int second = 0; second < 30; second++) {
      Result result = load.run(0.8, 1);
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
        Metadata headers = Source.caller(criticality + caller);
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
      Result result = load.run(0.5, 1);
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

  private static Result show(double factor, Result result) {
    System.out.printf(
        "%5.0f%% %8.0f %9.0f %19s %19s %9d %s%n",
        100 * factor,
        result.offered(),
        result.goodput(),
        millis(result.answered()),
        millis(result.refused()),
        result.decoded(),
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
  private record Source(double factor, Metadata headers) {
    static final Metadata.Key<String> CRITICALITY =
        Metadata.Key.of("fovea-criticality", Metadata.ASCII_STRING_MARSHALLER);

    static Metadata caller(String name) {
      Metadata headers = new Metadata();
      headers.put(Metadata.Key.of("fovea-caller", Metadata.ASCII_STRING_MARSHALLER), name);
      return headers;
    }
  }

  /// What came of one load.
  ///
  /// @param offered calls a second
  /// @param goodput calls a second that were answered in time
  /// @param late calls whose time ran out after they were let in
  /// @param answered latencies in nanoseconds
  /// @param refused likewise
  /// @param decoded images that the server decoded
  /// @param reasons of refusals, with their numbers
  /// @param sent calls by source
  /// @param okBySource calls that were answered, likewise
  private record Result(
      double offered,
      double goodput,
      long late,
      Histogram answered,
      Histogram refused,
      long decoded,
      Map<String, Long> reasons,
      Map<Source, Long> sent,
      Map<Source, Long> okBySource) {
    long ok() {
      return answered.getTotalCount();
    }

    double sent(List<Source> sources) {
      return sources.stream().mapToLong(source -> sent.getOrDefault(source, 0L)).sum();
    }

    double ok(List<Source> sources) {
      return sources.stream().mapToLong(source -> okBySource.getOrDefault(source, 0L)).sum();
    }
  }

  /// Calls at random times, on a few connections.
  private static final class Load {
    private final LoadServer server;
    private final List<ManagedChannel> connections;
    private final EmbedRequest request;
    private final Random random = new Random(1);

    Load(LoadServer server) throws IOException {
      this.server = server;
      this.connections =
          IntStream.range(0, CONNECTIONS).mapToObj(_ -> server.newChannel()).toList();
      this.request = Requests.embed(Requests.image(jpeg(random)));
    }

    /// Many callers who all ask alike.
    Result run(double factor, int seconds) throws Exception {
      return run(
          IntStream.range(0, CALLERS)
              .mapToObj(caller -> new Source(factor / CALLERS, Source.caller("caller " + caller)))
              .toList(),
          seconds);
    }

    Result run(List<Source> sources, int seconds) throws Exception {
      Tally tally = new Tally();
      List<EmbeddingServiceFutureStub> stubs = new ArrayList<>();
      double[] upTo = new double[sources.size()];
      double total = 0;
      for (int i = 0; i < upTo.length; i++) {
        total += sources.get(i).factor();
        upTo[i] = total;
        stubs.add(
            EmbeddingServiceGrpc.newFutureStub(connections.get(i % CONNECTIONS))
                .withInterceptors(
                    MetadataUtils.newAttachHeadersInterceptor(sources.get(i).headers())));
      }
      long decodedBefore = server.decoded();
      long start = System.nanoTime();
      long end = start + TimeUnit.SECONDS.toNanos(seconds);
      long due = start;
      long calls = 0;
      while (true) {
        due += (long) (-Math.log(1 - random.nextDouble()) / (total * CAPACITY) * 1e9);
        if (due >= end) {
          break;
        }
        while (due - System.nanoTime() > 0) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        int at = Arrays.binarySearch(upTo, random.nextDouble() * total);
        int source = Math.min(at < 0 ? -1 - at : at, upTo.length - 1);
        send(stubs.get(source), sources.get(source), due, tally);
        calls++;
      }
      tally.underWay.arriveAndAwaitAdvance();
      return tally.result(calls / (double) seconds, seconds, server.decoded() - decodedBefore);
    }

    private void send(EmbeddingServiceFutureStub stub, Source source, long due, Tally tally) {
      tally.begin(source);
      long left = ALLOWED.toNanos() - (System.nanoTime() - due);
      Futures.addCallback(
          stub.withDeadlineAfter(Math.max(1, left), TimeUnit.NANOSECONDS).embed(request),
          new FutureCallback<EmbedResponse>() {
            @Override
            public void onSuccess(EmbedResponse response) {
              tally.answered(source, System.nanoTime() - due);
            }

            @Override
            public void onFailure(Throwable failure) {
              tally.failed(System.nanoTime() - due, failure);
            }
          },
          Runnable::run);
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

  /// Counts from the threads of the connections.
  private static final class Tally {
    private final Phaser underWay = new Phaser(1);
    private final Histogram answered = new ConcurrentHistogram(3);
    private final Histogram refused = new ConcurrentHistogram(3);
    private final Map<String, Long> reasons = new ConcurrentSkipListMap<>();
    private final Map<Source, Long> sent = new ConcurrentHashMap<>();
    private final Map<Source, Long> ok = new ConcurrentHashMap<>();
    private final LongAdder late = new LongAdder();

    void begin(Source source) {
      underWay.register();
      sent.merge(source, 1L, Long::sum);
    }

    void answered(Source source, long nanos) {
      answered.recordValue(nanos);
      ok.merge(source, 1L, Long::sum);
      underWay.arriveAndDeregister();
    }

    void failed(long nanos, Throwable failure) {
      String reason = reason(failure);
      reasons.merge(reason, 1L, Long::sum);
      if (reason.equals("DEADLINE_EXCEEDED")) {
        late.increment();
      }
      refused.recordValue(nanos);
      underWay.arriveAndDeregister();
    }

    private static String reason(Throwable failure) {
      com.google.rpc.Status status = StatusProto.fromThrowable(failure);
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          try {
            return detail.unpack(ErrorInfo.class).getReason();
          } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
          }
        }
      }
      return Status.fromThrowable(failure).getCode().name();
    }

    Result result(double offered, int seconds, long decoded) {
      return new Result(
          offered,
          answered.getTotalCount() / (double) seconds,
          late.sum(),
          answered,
          refused,
          decoded,
          reasons,
          sent,
          ok);
    }
  }
}
