package dev.fovea.bench;

import dev.fovea.image.GoldenProcessors;
import dev.fovea.image.codec.JpegBench;
import java.util.Arrays;
import java.util.logging.Level;
import java.util.logging.Logger;

/// `./fovea bench NAME`: prints figures, and ratios where something stands beside.
public final class Bench {
  private Bench() {}

  public static void main(String[] args) throws Exception {
    // As the server has it: below that, Netty writes every frame out for a log that nobody keeps.
    Logger.getLogger("").setLevel(Level.INFO);
    switch (args.length == 0 ? "" : args[0]) {
      case "agreement" -> AgreementBench.run();
      case "bridge" -> BridgeBench.run(Arrays.copyOfRange(args, 1, args.length));
      case "engine" -> EngineBench.run();
      case "batching" -> BatchingBench.run();
      case "load" -> LoadBench.run(Arrays.copyOfRange(args, 1, args.length));
      case "soak" -> Soak.main(Arrays.copyOfRange(args, 1, args.length));
      case "peers" -> PeersBench.run(Arrays.copyOfRange(args, 1, args.length));
      case "mangled" -> MangledRequests.run(Arrays.copyOfRange(args, 1, args.length));
      case "cache" -> CacheBench.run();
      case "start" -> StartBench.run();
      case "processors" -> System.out.print(GoldenProcessors.table(GoldenProcessors::differing));
      case "kernels" -> {
        LookupBench.run();
        KernelBench.run(Arrays.copyOfRange(args, 1, args.length));
      }
      case "consistency" -> ConsistencyBench.run();
      case "generate" -> GenerateBench.run(Arrays.copyOfRange(args, 1, args.length));
      case "flood" -> FloodBench.run();
      case "jpeg" -> JpegBench.run();
      case "refusals" -> RefusalBench.run();
      default -> throw new IllegalArgumentException("bench: " + Arrays.toString(args));
    }
  }

  /// Quartiles as one text: `median (first..third quartile)`.
  static String quartiles(double[] values, String format) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    String pattern = "%s (%s..%s)".replace("%s", format);
    return String.format(
        pattern, quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75));
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return quantile(sorted, 0.5);
  }

  static double quantile(double[] sorted, double q) {
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
