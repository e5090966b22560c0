package dev.fovea.kernel;

/// One axis of a resize in single precision, as torch resizes tensors of floats with antialiasing
/// (`UpSampleKernel.cpp`): for each output sample, the run of input samples that it is the weighted
/// sum of. Immutable.
///
/// Sums of floats depend on the order and on what is rounded between. Here they are as the compiled
/// torch 2.13 for x86-64 has them: in order, products in fours rounded before they are added, and
/// the last three or fewer added by fused multiply-add. Other builds of torch may differ in the
/// last bit or two.
public final class FloatTaps {
  private final int[] first;
  private final float[][] weights;

  /// @param filter not [ResampleFilter#NEAREST]
  /// @param inSize samples of a line before, > 0
  /// @param outSize samples of a line after, > 0
  public FloatTaps(ResampleFilter filter, int inSize, int outSize) {
    this.first = new int[outSize];
    this.weights = new float[outSize][];
    float scale = (float) inSize / outSize;
    boolean shrinks = scale >= 1;
    float support = (float) (shrinks ? filter.support() * scale : filter.support());
    float inverseScale = shrinks ? (float) (1.0 / scale) : 1;
    for (int out = 0; out < outSize; out++) {
      float centre = (float) (scale * (out + 0.5));
      int from = Math.max(0, (int) (centre - support + 0.5));
      int to = Math.min(inSize, (int) (centre + support + 0.5));
      first[out] = from;
      weights[out] = weigh(filter, centre, inverseScale, from, to);
    }
  }

  private static float[] weigh(
      ResampleFilter filter, float centre, float inverseScale, int from, int to) {
    float[] run = new float[to - from];
    float sum = 0;
    for (int i = 0; i < run.length; i++) {
      float distance = (float) ((i + from - centre + 0.5) * inverseScale);
      run[i] = (float) filter.weight(distance);
      sum += run[i];
    }
    for (int i = 0; sum != 0 && i < run.length; i++) {
      run[i] /= sum;
    }
    return run;
  }

  /// How many output samples there are.
  public int size() {
    return first.length;
  }

  /// One output sample.
  ///
  /// @param in holds the line
  /// @param at where it begins
  /// @param step from one of its samples to the next
  public float apply(int out, float[] in, int at, int step) {
    float[] run = weights[out];
    int from = at + first[out] * step;
    float sum = in[from] * run[0];
    int rounded = (run.length - 1) / 4 * 4;
    int i = 1;
    for (; i <= rounded; i++) {
      sum += in[from + i * step] * run[i];
    }
    for (; i < run.length; i++) {
      sum = Math.fma(in[from + i * step], run[i], sum);
    }
    return sum;
  }
}
