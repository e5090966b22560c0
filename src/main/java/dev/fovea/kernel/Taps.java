package dev.fovea.kernel;

/// One axis of a resize, ready to be applied: for each output sample, the run of input samples that
/// it is the weighted sum of. Immutable.
///
/// Weights are integers scaled by 2^[#precision]; an output sample is `clip((2^(precision-1) + Σ
/// weight × sample) >> precision)`, summed in 32 bits.
public final class Taps {
  /// Pillow's fixed point: 32 bits less 8 for the sample and 2 for what negative lobes overshoot.
  private static final int PILLOW_PRECISION = 22;

  private final int inSize;
  private final int outSize;
  private final int precision;
  private final int stride;
  private final int[] first;
  private final int[] count;
  private final int[] weights;

  private Taps(int inSize, int outSize, int precision, int stride) {
    this.inSize = inSize;
    this.outSize = outSize;
    this.precision = precision;
    this.stride = stride;
    this.first = new int[outSize];
    this.count = new int[outSize];
    this.weights = new int[outSize * stride];
  }

  /// The taps that Pillow resizes 8-bit images with (`precompute_coeffs`, `normalize_coeffs_8bpc`):
  /// weights in double, normalised to a sum of 1, then rounded half away from zero.
  ///
  /// @param inSize samples of a line before, > 0
  /// @param outSize samples of a line after, > 0
  public static Taps pillow(ResampleFilter filter, int inSize, int outSize) {
    double scale = (double) inSize / outSize;
    double filterScale = Math.max(1, scale);
    double support = filter.support() * filterScale;
    Taps taps = new Taps(inSize, outSize, PILLOW_PRECISION, (int) Math.ceil(support) * 2 + 1);
    double[] run = new double[taps.stride];
    for (int out = 0; out < outSize; out++) {
      double centre = (out + 0.5) * scale;
      int from = Math.max(0, (int) (centre - support + 0.5));
      int to = Math.min(inSize, (int) (centre + support + 0.5));
      weigh(filter, centre, 1 / filterScale, from, to, run);
      taps.set(out, from, to - from, run);
    }
    return taps;
  }

  /// Fills `run` with the normalised weights of the samples `from`..`to`. The order of the
  /// operations is Pillow's: another one rounds differently.
  private static void weigh(
      ResampleFilter filter, double centre, double inverseScale, int from, int to, double[] run) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      double weight = filter.weight((i - centre + 0.5) * inverseScale);
      run[i - from] = weight;
      sum += weight;
    }
    for (int i = 0; sum != 0 && i < to - from; i++) {
      run[i] /= sum;
    }
  }

  private void set(int out, int from, int length, double[] run) {
    first[out] = from;
    count[out] = length;
    for (int i = 0; i < length; i++) {
      double scaled = run[i] * (1 << precision);
      weights[out * stride + i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
  }

  /// Memory that these taps hold, in bytes.
  public long bytes() {
    return 4L * (weights.length + first.length + count.length);
  }

  public int inSize() {
    return inSize;
  }

  public int outSize() {
    return outSize;
  }

  /// Bits behind the binary point of a weight.
  int precision() {
    return precision;
  }

  /// The first input sample that output sample `out` reads.
  public int first(int out) {
    return first[out];
  }

  /// How many input samples output sample `out` reads.
  public int count(int out) {
    return count[out];
  }

  /// One past the last input sample that any output sample reads.
  public int end() {
    return first[outSize - 1] + count[outSize - 1];
  }

  /// Where the weights of output sample `out` begin in [#weights].
  int offset(int out) {
    return out * stride;
  }

  int[] weights() {
    return weights;
  }
}
