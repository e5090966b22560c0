package dev.fovea.kernel;

import java.util.Arrays;

/// [Resampler] in plain loops.
final class ScalarResampler implements Resampler {
  static final ScalarResampler INSTANCE = new ScalarResampler();

  private ScalarResampler() {}

  @Override
  public void horizontal(byte[] in, int inOffset, int rows, Taps taps, byte[] out) {
    int inRow = taps.inSize() * CHANNELS;
    int outRow = taps.outSize() * CHANNELS;
    for (int row = 0; row < rows; row++) {
      resizeRow(in, inOffset + row * inRow, taps, out, row * outRow);
    }
  }

  private static void resizeRow(byte[] in, int inAt, Taps taps, byte[] out, int outAt) {
    int[] weights = taps.weights();
    int precision = taps.precision();
    int half = 1 << (precision - 1);
    for (int x = 0; x < taps.outSize(); x++) {
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
  public void vertical(byte[] in, int firstRow, int rowBytes, Taps taps, byte[] out) {
    int[] weights = taps.weights();
    int precision = taps.precision();
    int[] sums = new int[rowBytes];
    for (int y = 0; y < taps.outSize(); y++) {
      Arrays.fill(sums, 1 << (precision - 1));
      for (int tap = 0; tap < taps.count(y); tap++) {
        int at = (taps.first(y) - firstRow + tap) * rowBytes;
        addRow(in, at, weights[taps.offset(y) + tap], sums);
      }
      clipRow(sums, precision, out, y * rowBytes);
    }
  }

  private static void addRow(byte[] in, int at, int weight, int[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += (in[at + i] & 0xFF) * weight;
    }
  }

  private static void clipRow(int[] sums, int precision, byte[] out, int at) {
    for (int i = 0; i < sums.length; i++) {
      out[at + i] = clip(sums[i] >> precision);
    }
  }

  private static byte clip(int value) {
    return (byte) Math.max(0, Math.min(255, value));
  }
}
