package dev.fovea.batch;

/// How long a batch of n rows takes, learned from those that ran: lines t(n) = a + b·n of least
/// squares, one through the last twenty or so, which tells when a batch will be done, and one
/// through hundreds, which tells whether large batches pay.
final class RunTimes {
  /// How much less each batch counts than the one after it.
  private static final double RECENT_MEMORY = 0.95;

  /// The same, for what is to be known still after hundreds of batches of one size.
  private static final double LASTING_MEMORY = 0.998;

  /// Below this the batches seen were all of one size, and a line through them says nothing.
  private static final double LEAST_VARIANCE = 1e-6;

  /// Below this they were too nearly of one size to tell a from b where times vary as they do.
  private static final double TELLING_VARIANCE = 0.05;

  /// What a batch costs outside of the run that is measured: one thread that wakes another.
  private static final double DISPATCH_NANOS = 100_000;

  /// The part of a row's time that is not worth waiting for others for.
  private static final double SMALL_GAIN = 0.01;

  private final Line recent = new Line(RECENT_MEMORY);
  private final Line lasting = new Line(LASTING_MEMORY);

  void learn(int size, long elapsedNanos) {
    recent.learn(size, elapsedNanos);
    lasting.learn(size, elapsedNanos);
  }

  /// Nanoseconds that a batch of `size` rows is expected to take; none before the first batch.
  long expected(int size) {
    if (recent.weight == 0) {
      return 0;
    }
    if (recent.variance() < LEAST_VARIANCE) {
      return (long) (recent.meanNanos() * Math.max(1, size / recent.meanRows()));
    }
    double fixed = recent.fixed();
    return (long)
        (fixed < 0
            ? size * recent.rowsTimesNanos / recent.rowsSquared
            : fixed + recent.slope() * size);
  }

  /// The smallest batch that costs hardly more for each of its rows than one of `most` rows does:
  /// to be in a larger one is to wait for others and to gain nothing. `most`, as long as that is
  /// not known, and where half of them would be too few.
  int worthwhile(int most) {
    if (lasting.weight == 0 || lasting.variance() < TELLING_VARIANCE) {
      return most;
    }
    double fixed = Math.max(0, lasting.fixed()) + DISPATCH_NANOS;
    double slope = lasting.slope();
    double allowed = (1 + SMALL_GAIN) * (fixed / most + slope);
    double enough = Math.max(1, Math.ceil(fixed / (allowed - slope)));
    return enough <= most / 2.0 ? (int) enough : most;
  }

  /// A line through batches, each of which counts less than the one after it.
  private static final class Line {
    private final double memory;
    private double weight;
    private double rows;
    private double nanos;
    private double rowsSquared;
    private double rowsTimesNanos;

    Line(double memory) {
      this.memory = memory;
    }

    void learn(int size, long elapsedNanos) {
      weight = weight * memory + 1;
      rows = rows * memory + size;
      nanos = nanos * memory + elapsedNanos;
      rowsSquared = rowsSquared * memory + (double) size * size;
      rowsTimesNanos = rowsTimesNanos * memory + (double) size * elapsedNanos;
    }

    double meanRows() {
      return rows / weight;
    }

    double meanNanos() {
      return nanos / weight;
    }

    double variance() {
      return rowsSquared / weight - meanRows() * meanRows();
    }

    double slope() {
      return Math.max(0, (rowsTimesNanos / weight - meanRows() * meanNanos()) / variance());
    }

    double fixed() {
      return meanNanos() - slope() * meanRows();
    }
  }
}
