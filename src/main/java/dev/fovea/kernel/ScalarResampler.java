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
    for (int row = 0; row < rows; row += 2) {
      // A last row without another below it is made twice, in one place.
      int below = row + 1 < rows ? 1 : 0;
      resizeTwoRows(
          in, at + row * stride, below * stride, taps, out, outAt + row * outRow, below * outRow);
    }
  }

  /// Weights are read once for both rows.
  ///
  /// @param stride bytes from the first row to the other
  /// @param outRow the same, of the resized rows
  private static void resizeTwoRows(
      byte[] in, int inAt, int stride, Taps taps, byte[] out, int outAt, int outRow) {
    int[] weights = taps.weights();
    int precision = taps.precision();
    int half = 1 << (precision - 1);
    for (int x = 0; x < taps.size(); x++) {
      int red = half;
      int green = half;
      int blue = half;
      int redBelow = half;
      int greenBelow = half;
      int blueBelow = half;
      int pixel = inAt + taps.first(x) * CHANNELS;
      int end = taps.offset(x) + taps.count(x);
      for (int tap = taps.offset(x); tap < end; tap++, pixel += CHANNELS) {
        int weight = weights[tap];
        int below = pixel + stride;
        red += (in[pixel] & 0xFF) * weight;
        green += (in[pixel + 1] & 0xFF) * weight;
        blue += (in[pixel + 2] & 0xFF) * weight;
        redBelow += (in[below] & 0xFF) * weight;
        greenBelow += (in[below + 1] & 0xFF) * weight;
        blueBelow += (in[below + 2] & 0xFF) * weight;
      }
      int to = outAt + x * CHANNELS;
      out[to] = clip(red >> precision);
      out[to + 1] = clip(green >> precision);
      out[to + 2] = clip(blue >> precision);
      int toBelow = to + outRow;
      out[toBelow] = clip(redBelow >> precision);
      out[toBelow + 1] = clip(greenBelow >> precision);
      out[toBelow + 2] = clip(blueBelow >> precision);
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
