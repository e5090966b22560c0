package dev.fovea.bench;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.HostileFiles;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.codec.JpegDecoding;
import dev.fovea.image.codec.SniffingDecoder;
import java.nio.ByteBuffer;
import java.util.Map;

/// How long hostile files keep a thread busy, in a JVM that is warm: the goal is 50 ms at most.
final class RefusalBench {
  private static final int WARM_UP = 20;
  private static final int RUNS = 41;

  private RefusalBench() {}

  static void run() {
    System.out.println("| file | outcome | bytes | ms: median (first..third quartile) |");
    System.out.println("|---|---|---|---|");
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.AUTO);
    HostileFiles.refused().entrySet().forEach(file -> report(decoder, file));
    HostileFiles.decoded().entrySet().forEach(file -> report(decoder, file));
  }

  private static void report(SniffingDecoder decoder, Map.Entry<String, byte[]> file) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file.getValue()));
    String outcome = "";
    double[] millis = new double[RUNS];
    for (int run = -WARM_UP; run < RUNS; run++) {
      long start = System.nanoTime();
      outcome = outcome(decoder, source);
      if (run >= 0) {
        millis[run] = (System.nanoTime() - start) / 1e6;
      }
    }
    System.out.printf(
        "| %s | %s | %,d | %s |%n",
        file.getKey(), outcome, file.getValue().length, Bench.quartiles(millis, "%.2f"));
  }

  private static String outcome(SniffingDecoder decoder, ImageSource source) {
    try {
      return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT).toString();
    } catch (GatewayException refusal) {
      return refusal.reason().name();
    }
  }
}
