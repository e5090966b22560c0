package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.cache.ContentKey;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/// What a vector that is kept saves, and what looking for one costs: calls of one photograph over a
/// real channel, to a gateway that keeps vectors and to one that keeps none, in turn.
final class CacheBench {
  private static final Path PHOTOGRAPH = Path.of("examples/photo-temple.jpg");
  private static final int WARM_UP = 100;
  private static final int RUNS = 301;

  private CacheBench() {}

  static void run() throws Exception {
    byte[] file = Files.readAllBytes(PHOTOGRAPH);
    double[] plain = new double[RUNS];
    double[] miss = new double[RUNS];
    double[] hit = new double[RUNS];
    double[] hash = new double[RUNS];
    try (TestGateway without = TestGateway.start();
        TestGateway with = TestGateway.start(Map.of("fovea.cache.max-bytes", "67108864"))) {
      EmbeddingServiceBlockingStub plainly =
          EmbeddingServiceGrpc.newBlockingStub(without.channel());
      EmbeddingServiceBlockingStub keeping = EmbeddingServiceGrpc.newBlockingStub(with.channel());
      EmbedRequest same = Requests.embed(Requests.image(file));
      for (int run = -WARM_UP; run < RUNS; run++) {
        // Bytes behind the end of a JPEG change nothing but its digest.
        byte[] other = Arrays.copyOf(file, file.length + Integer.BYTES);
        ByteBuffer.wrap(other).putInt(file.length, run);
        EmbedRequest fresh = Requests.embed(Requests.image(other));
        int at = Math.max(0, run);
        plain[at] = micros(() -> plainly.embed(fresh));
        miss[at] = micros(() -> keeping.embed(fresh));
        hit[at] = micros(() -> keeping.embed(same));
        hash[at] = micros(() -> new ContentKey.Parts().add(ByteBuffer.wrap(other)).key());
      }
    }
    System.out.printf("%s, %,d bytes, %d calls of each%n%n", PHOTOGRAPH, file.length, RUNS);
    System.out.println("| | µs: median (first..third quartile) | ratio to no cache |");
    System.out.println("|---|---|---|");
    report("no cache", plain, plain);
    report("miss", miss, plain);
    report("hit", hit, plain);
    report("hashing alone", hash, plain);
  }

  private static void report(String name, double[] micros, double[] beside) {
    System.out.printf(
        "| %s | %s | %.3f |%n",
        name, Bench.quartiles(micros, "%.0f"), Bench.median(micros) / Bench.median(beside));
  }

  private static double micros(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e3;
  }
}
