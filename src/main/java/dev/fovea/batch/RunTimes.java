package dev.fovea.batch;

/// How long a batch of n rows takes, learned from those that ran: the line t(n) = a + b·n of least
/// squares, in which each batch counts 5 % less than the one after it. Nothing is known before the
/// first batch, and then a batch is expected to take no time.
final class RunTimes {
  private static final double MEMORY = 0.95;

  /// Below this the batches seen were all of one size, and a line through them says nothing.
  private static final double LEAST_VARIANCE = 1e-6;

  private double weight;
  private double rows;
  private double nanos;
  private double rowsSquared;
  private double rowsTimesNanos;

  void learn(int size, long elapsedNanos) {
    weight = weight * MEMORY + 1;
    rows = rows * MEMORY + size;
    nanos = nanos * MEMORY + elapsedNanos;
    rowsSquared = rowsSquared * MEMORY + (double) size * size;
    rowsTimesNanos = rowsTimesNanos * MEMORY + (double) size * elapsedNanos;
  }

  /// Nanoseconds that a batch of `size` rows is expected to take.
  long expected(int size) {
    if (weight == 0) {
      return 0;
    }
    double meanRows = rows / weight;
    double meanNanos = nanos / weight;
    double variance = rowsSquared / weight - meanRows * meanRows;
    if (variance < LEAST_VARIANCE) {
      return (long) (meanNanos * Math.max(1, size / meanRows));
    }
    double slope = Math.max(0, (rowsTimesNanos / weight - meanRows * meanNanos) / variance);
    double fixed = meanNanos - slope * meanRows;
    return (long) (fixed < 0 ? size * rowsTimesNanos / rowsSquared : fixed + slope * size);
  }
}
