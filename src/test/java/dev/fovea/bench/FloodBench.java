package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Requests;
import dev.fovea.rpc.Uploads;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.imageio.ImageIO;

/// Small images one after the other, alone and then among a flood of large ones: ten callers for
/// each processor who send a 12-megapixel JPEG again as soon as they are answered. Over real
/// connections, on an engine that answers at once, so that decoding is all there is to wait for.
final class FloodBench {
  private static final int ROUNDS = 5;
  private static final int SMALL_CALLS = 200;
  private static final int CALLERS_A_PROCESSOR = 10;

  private FloodBench() {}

  static void run() throws Exception {
    int callers = CALLERS_A_PROCESSOR * Runtime.getRuntime().availableProcessors();
    byte[] large = jpeg(4032, 3024);
    EmbedRequest small = Requests.embed(Requests.image(jpeg(640, 480)));
    System.out.printf(
        "640×480 alone, and among %d callers of 4032×3024; %d rounds of %d calls each%n",
        callers, ROUNDS, SMALL_CALLS);
    try (TestGateway gateway =
        TestGateway.start(
            Map.of("fovea.call.max-deadline", "10m"),
            clock -> new ScriptedEngine(new AtOnce(), clock, 4096))) {
      EmbeddingServiceBlockingStub service =
          EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
      EmbedRequest flood =
          Requests.embed(
              Requests.image(
                  Image.newBuilder().setHandle(Uploads.upload(gateway.channel(), large)).build()));
      latencies(service, small);
      compare(service, small, flood, callers);
    }
  }

  private static void compare(
      EmbeddingServiceBlockingStub service, EmbedRequest small, EmbedRequest flood, int callers)
      throws Exception {
    double[] medians = new double[ROUNDS];
    double[] tails = new double[ROUNDS];
    double[] alone = new double[ROUNDS];
    double[] among = new double[ROUNDS];
    double[] floods = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      double[] before = latencies(service, small);
      double[] during;
      try (Flood running = new Flood(service, flood, callers)) {
        during = latencies(service, small);
        floods[round] = running.rate();
      }
      alone[round] = Bench.quantile(before, 0.99);
      among[round] = Bench.quantile(during, 0.99);
      tails[round] = among[round] / alone[round];
      System.out.printf(
          "  %.2f ms alone, %.2f ms among %.1f large images a second%n",
          alone[round], among[round], floods[round]);
      medians[round] = Bench.quantile(during, 0.5) / Bench.quantile(before, 0.5);
    }
    System.out.printf("alone:  p99 %s ms%n", Bench.quartiles(alone, "%.2f"));
    System.out.printf(
        "among:  p99 %s ms, while %s large images a second are answered%n",
        Bench.quartiles(among, "%.2f"), Bench.quartiles(floods, "%.1f"));
    System.out.printf(
        "ratio:  p99 %s, median %s%n",
        Bench.quartiles(tails, "%.2f"), Bench.quartiles(medians, "%.2f"));
  }

  /// Milliseconds of each call, sorted.
  private static double[] latencies(EmbeddingServiceBlockingStub service, EmbedRequest request) {
    double[] millis = new double[SMALL_CALLS];
    for (int i = 0; i < millis.length; i++) {
      long start = System.nanoTime();
      if (!service.embed(request).getResults(0).hasEmbedding()) {
        throw new IllegalStateException("a small image was refused");
      }
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis;
  }

  /// Callers that never stop; closing waits until they have.
  private static final class Flood implements AutoCloseable {
    private final List<Thread> callers = new ArrayList<>();
    private final CountDownLatch underWay;
    private final AtomicLong answered = new AtomicLong();
    private final long startNanos;
    private volatile boolean over;

    Flood(EmbeddingServiceBlockingStub service, EmbedRequest request, int count)
        throws InterruptedException {
      underWay = new CountDownLatch(2);
      for (int i = 0; i < count; i++) {
        callers.add(
            Thread.ofPlatform()
                .start(() -> {
                  while (!over) {
                    var _ = service.withDeadlineAfter(5, TimeUnit.MINUTES).embed(request);
                    answered.incrementAndGet();
                    underWay.countDown();
                  }
                }));
      }
      // Once two have been answered, the others stand in line.
      underWay.await();
      answered.set(0);
      startNanos = System.nanoTime();
    }

    double rate() {
      return answered.get() * 1e9 / (System.nanoTime() - startNanos);
    }

    @Override
    public void close() throws InterruptedException {
      over = true;
      for (Thread caller : callers) {
        caller.join();
      }
    }
  }

  /// A picture with as much in it as a photograph: a gradient, and noise that is coarse and fine.
  private static byte[] jpeg(int width, int height) throws IOException {
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(7);
    int[] coarse = random.ints(4096, 0, 96).toArray();
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int grain = coarse[(y / 16 * 61 + x / 16) & 4095] + random.nextInt(12);
        int red = 60 * x / width + grain;
        int green = 60 * y / height + grain;
        picture.setRGB(x, y, red << 16 | green << 8 | (grain + 40));
      }
    }
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    ImageIO.write(picture, "jpeg", jpeg);
    return jpeg.toByteArray();
  }

  /// Answers every row with the same vector.
  private static final class AtOnce implements Script {
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
      return Duration.ZERO;
    }
  }
}
