package dev.fovea.bench;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.fovea.app.TestGateway;
import dev.fovea.batch.BatchingEngine;
import dev.fovea.batch.Simulation;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Requests;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceFutureStub;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
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
/// generator came to send it (no coordinated omission). The generator runs in the same process and
/// is part of what the machine has to do.
final class LoadBench {
  private static final int MAX_SIZE = 64;
  private static final int SLOWER = 20;
  private static final Duration ALLOWED = Duration.ofSeconds(1);
  private static final int CONNECTIONS = 4;
  private static final double CAPACITY = Simulation.capacity(LoadBench::nanos, MAX_SIZE);

  private LoadBench() {}

  private static long nanos(int size) {
    return SLOWER * Simulation.gpu(size);
  }

  static void run(int seconds) throws Exception {
    Path repository = oneInstance(TestGateway.SHIPPED_REPOSITORY);
    System.out.printf(
        "capacity %.0f images a second, answers of use for %d ms, %d s a load%n",
        CAPACITY, ALLOWED.toMillis(), seconds);
    System.out.printf(
        "%6s %8s %9s %19s %19s %9s %s%n",
        "load",
        "offered",
        "goodput",
        "answered p50 / p99",
        "refused p50 / p99",
        "decoded",
        "refusals");
    try (TestGateway gateway = gateway(repository)) {
      Load load = new Load(gateway);
      load.run(0.5, 5);
      Result half = show(0.5, load.run(0.5, seconds));
      double peak = 0;
      for (double factor : new double[] {0.7, 0.9, 1.0, 1.2}) {
        peak = Math.max(peak, show(factor, load.run(factor, seconds)).goodput());
      }
      for (double factor : new double[] {2, 5, 10}) {
        Result overload = show(factor, load.run(factor, seconds));
        System.out.printf(
            "        goodput %.3f of peak; images decoded for nothing: %d%n",
            overload.goodput() / peak, overload.decoded() - overload.ok() - overload.late());
        recover(load, half);
      }
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

  private static TestGateway gateway(Path repository) {
    return TestGateway.start(
        Map.of("fovea.repository", repository.toString()),
        clock -> new BatchingEngine(new ScriptedEngine(new Slow(), clock, 4096), clock, 256));
  }

  /// A copy of a repository in which every model has one instance.
  private static Path oneInstance(Path from) throws IOException {
    Path to = Files.createTempDirectory("fovea-load");
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(folder)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path copy = to.resolve(from.relativize(file));
            Files.copy(file, copy);
            if (file.endsWith("config.pbtxt")) {
              Files.writeString(copy, Files.readString(copy).replaceAll("count: \\d+", "count: 1"));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return to;
  }

  /// What came of one load.
  ///
  /// @param offered calls a second
  /// @param goodput calls a second that were answered in time
  /// @param ok calls that were answered in time
  /// @param late calls whose time ran out after they were let in
  /// @param answered latencies in nanoseconds
  /// @param refused likewise
  /// @param decoded images that the server decoded
  /// @param reasons of refusals, with their numbers
  private record Result(
      double offered,
      double goodput,
      long ok,
      long late,
      Histogram answered,
      Histogram refused,
      long decoded,
      Map<String, Long> reasons) {}

  /// Calls at random times, on a few connections.
  private static final class Load {
    private final TestGateway gateway;
    private final List<EmbeddingServiceFutureStub> stubs;
    private final EmbedRequest request;
    private final Random random = new Random(1);

    Load(TestGateway gateway) throws IOException {
      this.gateway = gateway;
      this.stubs =
          IntStream.range(0, CONNECTIONS)
              .mapToObj(_ -> EmbeddingServiceGrpc.newFutureStub(gateway.newChannel()))
              .toList();
      this.request = Requests.embed(Requests.image(jpeg(random)));
    }

    Result run(double factor, int seconds) throws InterruptedException {
      Tally tally = new Tally();
      long decodedBefore = gateway.count("fovea.stage.duration", "stage", "decode");
      long start = System.nanoTime();
      long end = start + TimeUnit.SECONDS.toNanos(seconds);
      long due = start;
      long calls = 0;
      while (true) {
        due += (long) (-Math.log(1 - random.nextDouble()) / (factor * CAPACITY) * 1e9);
        if (due >= end) {
          break;
        }
        while (due - System.nanoTime() > 0) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        send(stubs.get((int) (calls % stubs.size())), due, tally);
        calls++;
      }
      tally.underWay.arriveAndAwaitAdvance();
      long decodedAfter = gateway.count("fovea.stage.duration", "stage", "decode");
      return tally.result(calls / (double) seconds, seconds, decodedAfter - decodedBefore);
    }

    private void send(EmbeddingServiceFutureStub stub, long due, Tally tally) {
      tally.underWay.register();
      long left = ALLOWED.toNanos() - (System.nanoTime() - due);
      Futures.addCallback(
          stub.withDeadlineAfter(Math.max(1, left), TimeUnit.NANOSECONDS).embed(request),
          new FutureCallback<EmbedResponse>() {
            @Override
            public void onSuccess(EmbedResponse response) {
              tally.answered(System.nanoTime() - due);
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
    private final Map<String, Long> reasons = new TreeMap<>();
    private long late;

    void answered(long nanos) {
      answered.recordValue(nanos);
      underWay.arriveAndDeregister();
    }

    void failed(long nanos, Throwable failure) {
      String reason = reason(failure);
      synchronized (reasons) {
        reasons.merge(reason, 1L, Long::sum);
        if (reason.equals("DEADLINE_EXCEEDED")) {
          late++;
        }
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
      synchronized (reasons) {
        long ok = answered.getTotalCount();
        return new Result(
            offered, ok / (double) seconds, ok, late, answered, refused, decoded, reasons);
      }
    }
  }

  /// An engine that takes its time.
  private static final class Slow implements Script {
    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      String output = model.embeddingOutput();
      int dimension = (int) model.signature().output(output).orElseThrow().shape().extent(0);
      float[] vector = new float[dimension];
      vector[0] = 1;
      return Map.of(output, Tensor.ofFloats(Shape.of(dimension), vector));
    }

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      return Duration.ofNanos(nanos(batch.size()));
    }
  }
}
