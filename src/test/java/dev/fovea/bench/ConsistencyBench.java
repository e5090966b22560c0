package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.DoubleAccumulator;
import java.util.concurrent.atomic.LongAdder;

/// Embeds 200 pictures alone, then 10,000 of them in batches of every size, shuffled and from many
/// callers at once, over a real connection, and holds each vector against the one that its picture
/// had alone.
final class ConsistencyBench {
  private static final int PICTURES = 200;
  private static final int TOTAL = 10_000;
  private static final int CALLERS = 8;
  private static final int MAX_BATCH = 32;

  /// Pictures of noise differ by far more than this, rounding by far less.
  private static final double ANOTHERS = 1e-3;

  private ConsistencyBench() {}

  static void run() throws Exception {
    try (TestGateway gateway = TestGateway.start();
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      EmbeddingServiceBlockingStub service =
          EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
      List<List<Float>> alone = new ArrayList<>();
      for (int seed = 0; seed < PICTURES; seed++) {
        alone.add(vector(service.embed(Requests.embed(Requests.noise(seed))), 0));
      }
      DoubleAccumulator largest = new DoubleAccumulator(Math::max, 0);
      LongAdder wrong = new LongAdder();
      LongAdder embedded = new LongAdder();
      List<Future<?>> work = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        Random random = new Random(caller);
        work.add(
            callers.submit(() -> {
              for (int left = TOTAL / CALLERS; left > 0; ) {
                int size = Math.min(left, 1 + random.nextInt(MAX_BATCH));
                compare(service, alone, random.ints(size, 0, PICTURES).toArray(), largest, wrong);
                embedded.add(size);
                left -= size;
              }
            }));
      }
      for (Future<?> each : work) {
        each.get();
      }
      System.out.printf(
          "%,d vectors: %d of another picture, largest difference %.2g%n",
          embedded.sum(), wrong.sum(), largest.get());
      if (wrong.sum() > 0 || largest.get() > 1e-5) {
        throw new IllegalStateException("vectors depend on their neighbours");
      }
    }
  }

  private static void compare(
      EmbeddingServiceBlockingStub service,
      List<List<Float>> alone,
      int[] seeds,
      DoubleAccumulator largest,
      LongAdder wrong) {
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    for (int seed : seeds) {
      request.addItems(Requests.noise(seed));
    }
    EmbedResponse response = service.embed(request.build());
    for (int i = 0; i < seeds.length; i++) {
      double difference = difference(alone.get(seeds[i]), vector(response, i));
      largest.accumulate(difference);
      if (difference > ANOTHERS) {
        wrong.increment();
      }
    }
  }

  private static List<Float> vector(EmbedResponse response, int item) {
    return response.getResults(item).getEmbedding().getVector().getFloats().getValuesList();
  }

  private static double difference(List<Float> a, List<Float> b) {
    double largest = 0;
    for (int i = 0; i < a.size(); i++) {
      largest = Math.max(largest, Math.abs((double) a.get(i) - b.get(i)));
    }
    return largest;
  }
}
