package dev.fovea.kernel;

import java.util.Arrays;

/// [Resampler] in plain loops.
final class ScalarResampler implements Resampler {
  static final ScalarResampler INSTANCE = new ScalarResampler();

  private ScalarResampler() {}

  @Override
  public void horizontal(
      byte[] in, int at, int stride, int rows, Taps taps, byte[] out, int outAt, int[] sums) {
    int outRow = taps.size() * CHANNELS;
    for (int row = 0; row < rows; row++) {
      resizeRow(in, at + row * stride, taps, out, outAt + row * outRow);
    }
  }

  private static void resizeRow(byte[] in, int inAt, Taps taps, byte[] out, int outAt) {
    int[] weights = taps.weights();
    int precision = taps.precision();
    int half = 1 << (precision - 1);
    for (int x = 0; x < taps.size(); x++) {
      int red = half;
      int green = half;
      int blue = half;
      int pixel = inAt + taps.first(x) * CHANNELS;
      int end = taps.offset(x) + taps.count(x);
      for (int tap = taps.offset(x); tap < end; tap++, pixel += CHANNELS) {
        int weight = weights[tap];
        red += (in[pixel] & 0xFF) * weight;
        green += (in[pixel + 1] & 0xFF) * weight;
        blue += (in[pixel + 2] & 0xFF) * weight;
      }
      out[outAt++] = clip(red >> precision);
      out[outAt++] = clip(green >> precision);
      out[outAt++] = clip(blue >> precision);
    }
  }

  @Override
  public void vertical(
      byte[] in,
      int at,
      int stride,
      int bytes,
      Taps taps,
      int row,
      byte[] out,
      int outAt,
      int[] sums) {
    Arrays.fill(sums, 0, bytes, 1 << (taps.precision() - 1));
    for (int tap = 0; tap < taps.count(row); tap++) {
      addRow(in, at + tap * stride, bytes, taps.weights()[taps.offset(row) + tap], sums);
    }
    for (int i = 0; i < bytes; i++) {
      out[outAt + i] = clip(sums[i] >> taps.precision());
    }
  }

  private static void addRow(byte[] in, int at, int bytes, int weight, int[] sums) {
    for (int i = 0; i < bytes; i++) {
      sums[i] += (in[at + i] & 0xFF) * weight;
    }
  }

  static byte clip(int value) {
    return (byte) Math.max(0, Math.min(255, value));
  }
}
