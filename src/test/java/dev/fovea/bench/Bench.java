package dev.fovea.bench;

import java.util.Arrays;

/// `./fovea bench NAME`: prints figures, and ratios where something stands beside.
public final class Bench {
  private Bench() {}

  public static void main(String[] args) throws Exception {
    switch (args.length == 0 ? "" : args[0]) {
      case "agreement" -> AgreementBench.run();
      case "engine" -> EngineBench.run();
      case "batching" -> BatchingBench.run();
      case "cache" -> CacheBench.run();
      case "start" -> StartBench.run();
      case "kernels" -> KernelBench.run(Arrays.copyOfRange(args, 1, args.length));
      case "consistency" -> ConsistencyBench.run();
      case "flood" -> FloodBench.run();
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
