package dev.fovea.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One axis of a resize, ready to be applied: for each output sample, the run of input samples that
/// it is the weighted sum of. Covers a stretch of the output, for what is cropped away need not be
/// made. Immutable.
///
/// Weights are integers scaled by 2^[#precision]; an output sample is `clip((2^(precision-1) + Σ
/// weight × sample) >> precision)`, summed in 32 bits.
public final class Taps {
  private final int precision;
  private final int stride;
  private final int[] first;
  private final int[] count;
  private final int[] weights;
  private volatile @Nullable WideWeights wide;

  private Taps(int outSize, int precision, int stride) {
    this.precision = precision;
    this.stride = stride;
    this.first = new int[outSize];
    this.count = new int[outSize];
    this.weights = new int[Math.multiplyExact(outSize, stride)];
  }

  /// The taps for output samples `from` to `to` of an axis that is resized as a whole.
  ///
  /// @param inSize samples of a line before, > 0
  /// @param outSize samples of a line after, > 0
  /// @param from the first output sample that is wanted
  /// @param to one past the last
  public static Taps of(
      Arithmetic arithmetic, ResampleFilter filter, int inSize, int outSize, int from, int to) {
    return filter == ResampleFilter.NEAREST
        ? nearest(arithmetic, inSize, outSize, from, to)
        : new Weights(filter, inSize, outSize, from, to).taps(arithmetic);
  }

  private static Taps nearest(Arithmetic arithmetic, int inSize, int outSize, int from, int to) {
    Taps taps = new Taps(to - from, 1, 1);
    arithmetic.nearest(inSize, outSize, from, taps.first);
    Arrays.fill(taps.count, 1);
    Arrays.fill(taps.weights, 2);
    return taps;
  }

  /// The weights of an axis in double, in the order of operations that Pillow (`precompute_coeffs`)
  /// and torch have: another one rounds differently. Only those of the stretch are kept; the
  /// largest of all is needed for the precision.
  private static final class Weights {
    private final ResampleFilter filter;
    private final double inverseScale;
    private final int[] first;
    private final double[][] runs;
    private double largest;
    private int longest;

    Weights(ResampleFilter filter, int inSize, int outSize, int stretchFrom, int stretchTo) {
      double scale = (double) inSize / outSize;
      double filterScale = Math.max(1, scale);
      double support = filter.support() * filterScale;
      this.filter = filter;
      this.inverseScale = 1 / filterScale;
      this.first = new int[stretchTo - stretchFrom];
      this.runs = new double[stretchTo - stretchFrom][];
      double[] run = new double[(int) Math.ceil(support) * 2 + 1];
      for (int out = 0; out < outSize; out++) {
        double centre = (out + 0.5) * scale;
        int from = Math.max(0, (int) (centre - support + 0.5));
        int to = Math.min(inSize, (int) (centre + support + 0.5));
        weigh(centre, from, to, run);
        if (out >= stretchFrom && out < stretchTo) {
          first[out - stretchFrom] = from;
          runs[out - stretchFrom] = Arrays.copyOf(run, to - from);
          longest = Math.max(longest, to - from);
        }
      }
    }

    /// Fills `run` with the weights of the samples `from`..`to`, adding up to 1.
    private void weigh(double centre, int from, int to, double[] run) {
      double sum = 0;
      for (int i = from; i < to; i++) {
        double weight = filter.weight((i - centre + 0.5) * inverseScale);
        run[i - from] = weight;
        sum += weight;
      }
      for (int i = 0; sum != 0 && i < to - from; i++) {
        run[i] /= sum;
        largest = Math.max(largest, run[i]);
      }
    }

    Taps taps(Arithmetic arithmetic) {
      Taps taps = new Taps(first.length, arithmetic.precision(largest), longest);
      for (int out = 0; out < first.length; out++) {
        taps.set(out, first[out], runs[out]);
      }
      return taps;
    }
  }

  /// Weights are rounded half away from zero.
  private void set(int out, int from, double[] run) {
    first[out] = from;
    count[out] = run.length;
    for (int i = 0; i < run.length; i++) {
      double scaled = run[i] * (1 << precision);
      weights[out * stride + i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
  }

  /// Memory that these taps hold, in bytes, or will once they have been used.
  public long bytes() {
    return 4L * (first.length + count.length + weights.length) + WideWeights.bytes(this);
  }

  /// How many output samples there are.
  public int size() {
    return first.length;
  }

  /// Bits behind the binary point of a weight.
  int precision() {
    return precision;
  }

  /// The first input sample that output sample `out` reads; never less than that of the one before.
  public int first(int out) {
    return first[out];
  }

  /// How many input samples output sample `out` reads.
  public int count(int out) {
    return count[out];
  }

  /// The most input samples that one output sample reads.
  public int mostCount() {
    return stride;
  }

  /// One past the last input sample that any output sample reads.
  public int end() {
    return first[first.length - 1] + count[first.length - 1];
  }

  /// Where the weights of output sample `out` begin in [#weights].
  int offset(int out) {
    return out * stride;
  }

  int[] weights() {
    return weights;
  }

  /// The weights in the form that whole vectors are multiplied with, made when first asked for.
  WideWeights wide() {
    WideWeights known = wide;
    if (known == null) {
      known = new WideWeights(this);
      wide = known;
    }
    return known;
  }
}
