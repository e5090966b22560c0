package dev.fovea.kernel;

/// The weights of a horizontal pass, each repeated for the three channels of its pixel, so that a
/// vector of interleaved samples is multiplied as it lies in memory. As many whole pixels as fit go
/// into one vector; the lanes left over weigh nothing.
final class WideWeights {
  /// Lanes of a vector of 32-bit integers, at most.
  private static final int MOST_LANES = 16;

  private final int lanes;
  private final int groups;
  private final int[] weights;

  WideWeights(Taps taps) {
    this.lanes = Kernels.LANES;
    int pixels = pixels(lanes);
    this.groups = Math.ceilDiv(taps.mostCount(), pixels);
    this.weights = new int[taps.size() * groups * lanes];
    for (int out = 0; out < taps.size(); out++) {
      for (int tap = 0; tap < taps.count(out); tap++) {
        int at = offset(out) + tap / pixels * lanes + tap % pixels * Resampler.CHANNELS;
        for (int channel = 0; channel < Resampler.CHANNELS; channel++) {
          weights[at + channel] = taps.weights()[taps.offset(out) + tap];
        }
      }
    }
  }

  static long bytes(Taps taps) {
    return 4L * taps.size() * Math.ceilDiv(taps.mostCount(), pixels(MOST_LANES)) * MOST_LANES;
  }

  /// Whole pixels in a vector.
  static int pixels(int lanes) {
    return lanes / Resampler.CHANNELS;
  }

  /// Where the vectors of output sample `out` begin in [#weights].
  int offset(int out) {
    return out * groups * lanes;
  }

  int[] weights() {
    return weights;
  }
}
