package dev.fovea.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2B;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// [Resampler] on the Vector API.
///
/// The horizontal pass multiplies whole pixels as they lie (five to a vector of 16 lanes), four
/// rows at a time so that weights are loaded once, and folds the pixels of a vector into one at the
/// end. The vertical pass runs along a row, two vectors at a time: more would outgrow what the
/// compiler inlines, and a vector that is handed to a method which is not inlined costs memory.
final class VectorResampler implements Resampler {
  private static final VectorSpecies<Integer> INTS =
      Kernels.LANES == 8 ? IntVector.SPECIES_256 : IntVector.SPECIES_512;
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(INTS.length() * 8));
  private static final int LANES = INTS.length();
  private static final int GROUP = WideWeights.pixels(LANES) * CHANNELS;
  private static final int ROWS = 4;
  private static final int BLOCK = 2 * LANES;

  // Brings the lane that lies one, two, four pixels further to each lane.
  private static final VectorShuffle<Integer> NEXT = VectorShuffle.iota(INTS, CHANNELS, 1, true);
  private static final VectorShuffle<Integer> SECOND_NEXT =
      VectorShuffle.iota(INTS, 2 * CHANNELS, 1, true);
  private static final VectorShuffle<Integer> FOURTH_NEXT =
      VectorShuffle.iota(INTS, Math.min(4 * CHANNELS, LANES - 1), 1, true);

  @Override
  public void horizontal(
      byte[] in, int at, int stride, int rows, Taps taps, byte[] out, int outAt, int[] sums) {
    int bytes = taps.size() * CHANNELS;
    int pitch = bytes + LANES;
    int row = 0;
    for (; row + ROWS <= rows; row += ROWS) {
      int from = at + row * stride;
      int to = outAt + row * bytes;
      sumFourRows(in, from, stride, taps, sums, pitch);
      for (int i = 0; i < ROWS; i++) {
        finish(sums, i * pitch, bytes, taps.precision(), out, to + i * bytes);
      }
    }
    for (; row < rows; row++) {
      sumRow(in, at + row * stride, taps, sums);
      finish(sums, 0, bytes, taps.precision(), out, outAt + row * bytes);
    }
  }

  private static void sumFourRows(byte[] in, int at, int stride, Taps taps, int[] sums, int pitch) {
    WideWeights wide = taps.wide();
    int[] weights = wide.weights();
    int last = in.length - LANES - 3 * stride;
    int pixels = GROUP / CHANNELS;
    for (int x = 0; x < taps.size(); x++) {
      int from = at + taps.first(x) * CHANNELS;
      int groups = (taps.count(x) + pixels - 1) / pixels;
      if (from + (groups - 1) * GROUP > last) {
        for (int i = 0; i < ROWS; i++) {
          sumPixel(in, at + i * stride, taps, x, sums, i * pitch + x * CHANNELS);
        }
        continue;
      }
      IntVector first = IntVector.zero(INTS);
      IntVector second = IntVector.zero(INTS);
      IntVector third = IntVector.zero(INTS);
      IntVector fourth = IntVector.zero(INTS);
      int weightsAt = wide.offset(x);
      for (int group = 0; group < groups; group++, from += GROUP, weightsAt += LANES) {
        IntVector weight = IntVector.fromArray(INTS, weights, weightsAt);
        first = first.add(load(in, from).mul(weight));
        second = second.add(load(in, from + stride).mul(weight));
        third = third.add(load(in, from + 2 * stride).mul(weight));
        fourth = fourth.add(load(in, from + 3 * stride).mul(weight));
      }
      int sum = x * CHANNELS;
      fold(first).intoArray(sums, sum);
      fold(second).intoArray(sums, sum + pitch);
      fold(third).intoArray(sums, sum + 2 * pitch);
      fold(fourth).intoArray(sums, sum + 3 * pitch);
    }
  }

  private static void sumRow(byte[] in, int at, Taps taps, int[] sums) {
    WideWeights wide = taps.wide();
    int last = in.length - LANES;
    int pixels = GROUP / CHANNELS;
    for (int x = 0; x < taps.size(); x++) {
      int from = at + taps.first(x) * CHANNELS;
      int groups = (taps.count(x) + pixels - 1) / pixels;
      if (from + (groups - 1) * GROUP > last) {
        sumPixel(in, at, taps, x, sums, x * CHANNELS);
        continue;
      }
      IntVector sum = IntVector.zero(INTS);
      int weightsAt = wide.offset(x);
      for (int group = 0; group < groups; group++, from += GROUP, weightsAt += LANES) {
        sum = sum.add(load(in, from).mul(IntVector.fromArray(INTS, wide.weights(), weightsAt)));
      }
      fold(sum).intoArray(sums, x * CHANNELS);
    }
  }

  /// The end of an array, where a whole vector cannot be read.
  private static void sumPixel(byte[] in, int rowAt, Taps taps, int x, int[] sums, int to) {
    for (int channel = 0; channel < CHANNELS; channel++) {
      int sum = 0;
      int from = rowAt + taps.first(x) * CHANNELS + channel;
      for (int tap = 0; tap < taps.count(x); tap++) {
        sum += (in[from + tap * CHANNELS] & 0xFF) * taps.weights()[taps.offset(x) + tap];
      }
      sums[to + channel] = sum;
    }
  }

  private static IntVector load(byte[] in, int at) {
    return widened(ByteVector.fromArray(BYTES, in, at));
  }

  private static IntVector widened(ByteVector bytes) {
    return (IntVector) bytes.convertShape(ZERO_EXTEND_B2I, INTS, 0);
  }

  /// The sum of the pixels of a vector, in its first three lanes.
  private static IntVector fold(IntVector pixels) {
    if (LANES == 8) {
      return pixels.add(pixels.rearrange(NEXT));
    }
    IntVector pairs = pixels.add(pixels.rearrange(SECOND_NEXT));
    return pairs.add(pairs.rearrange(NEXT)).add(pixels.rearrange(FOURTH_NEXT));
  }

  private static void finish(int[] sums, int at, int bytes, int precision, byte[] out, int outAt) {
    int half = 1 << (precision - 1);
    int i = 0;
    for (; i + LANES <= bytes; i += LANES) {
      IntVector sum = IntVector.fromArray(INTS, sums, at + i).add(half);
      store(sum, precision, out, outAt + i);
    }
    for (; i < bytes; i++) {
      out[outAt + i] = ScalarResampler.clip((sums[at + i] + half) >> precision);
    }
  }

  private static void store(IntVector sum, int precision, byte[] out, int at) {
    IntVector clipped = sum.lanewise(ASHR, precision).max(0).min(255);
    ((ByteVector) clipped.convertShape(I2B, BYTES, 0)).intoArray(out, at);
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
    int i = 0;
    for (; i + BLOCK <= bytes; i += BLOCK) {
      sumBlock(in, at + i, stride, taps, row, out, outAt + i);
    }
    for (; i + LANES <= bytes; i += LANES) {
      sumVector(in, at + i, stride, taps, row, out, outAt + i);
    }
    for (; i < bytes; i++) {
      sumByte(in, at + i, stride, taps, row, out, outAt + i);
    }
  }

  private static void sumBlock(
      byte[] in, int at, int stride, Taps taps, int row, byte[] out, int outAt) {
    int[] weights = taps.weights();
    int end = taps.offset(row) + taps.count(row);
    IntVector first = IntVector.zero(INTS);
    IntVector second = IntVector.zero(INTS);
    int from = at;
    for (int tap = taps.offset(row); tap < end; tap++, from += stride) {
      IntVector weight = IntVector.broadcast(INTS, weights[tap]);
      first = first.add(load(in, from).mul(weight));
      second = second.add(load(in, from + LANES).mul(weight));
    }
    int precision = taps.precision();
    int half = 1 << (precision - 1);
    store(first.add(half), precision, out, outAt);
    store(second.add(half), precision, out, outAt + LANES);
  }

  private static void sumVector(
      byte[] in, int at, int stride, Taps taps, int row, byte[] out, int outAt) {
    int[] weights = taps.weights();
    int end = taps.offset(row) + taps.count(row);
    IntVector sum = IntVector.zero(INTS);
    int from = at;
    for (int tap = taps.offset(row); tap < end; tap++, from += stride) {
      sum = sum.add(load(in, from).mul(IntVector.broadcast(INTS, weights[tap])));
    }
    int precision = taps.precision();
    store(sum.add(1 << (precision - 1)), precision, out, outAt);
  }

  private static void sumByte(
      byte[] in, int at, int stride, Taps taps, int row, byte[] out, int outAt) {
    int offset = taps.offset(row);
    int sum = 1 << (taps.precision() - 1);
    for (int tap = 0; tap < taps.count(row); tap++) {
      sum += (in[at + tap * stride] & 0xFF) * taps.weights()[offset + tap];
    }
    out[outAt] = ScalarResampler.clip(sum >> taps.precision());
  }
}
