package dev.fovea.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every kernel gives the bytes of the scalar one, which is the oracle: over all filters, both
/// arithmetics, sizes around whole vectors, rows that lie apart, windows, and arrays that end where
/// the last row does. What lies beside the result stays as it was.
final class KernelContractTest {
  private static final int[] SIZES = {1, 2, 3, 5, 6, 15, 16, 17, 31, 32, 33, 64, 65, 150, 400};
  private static final byte STALE = 77;

  private final Random random = new Random(1);
  private final Resampler scalar = Resampler.scalar();
  private final Resampler fastest = Resampler.fastest();

  record Axis(Arithmetic arithmetic, ResampleFilter filter, int inSize, int outSize) {
    Taps taps(int from, int to) {
      return Taps.of(arithmetic, filter, inSize, outSize, from, to);
    }
  }

  static List<Axis> axes() {
    List<Axis> axes = new ArrayList<>();
    for (Arithmetic arithmetic : Arithmetic.values()) {
      for (ResampleFilter filter : ResampleFilter.values()) {
        for (int inSize : SIZES) {
          for (int outSize : SIZES) {
            axes.add(new Axis(arithmetic, filter, inSize, outSize));
          }
        }
      }
    }
    return axes;
  }

  @Test
  void theVectorKernelIsUnderTest() {
    assumeThat(Kernels.LANES).isGreaterThan(1);
    assertThat(fastest).isInstanceOf(VectorResampler.class);
  }

  @Test
  void horizontalGivesTheBytesOfTheScalarOne() {
    for (Axis axis : axes()) {
      int from = axis.outSize() / 4;
      for (int rows : new int[] {1, 3, 4, 5, 9}) {
        compareHorizontal(axis, axis.taps(0, axis.outSize()), rows, 0);
        compareHorizontal(axis, axis.taps(from, axis.outSize() - from), rows, 7);
      }
    }
  }

  private void compareHorizontal(Axis axis, Taps taps, int rows, int gap) {
    int stride = axis.inSize() * Resampler.CHANNELS + gap;
    byte[] in = bytes(rows * stride);
    byte[] expected = stale(3 + rows * taps.size() * Resampler.CHANNELS + 5);
    byte[] actual = expected.clone();
    int[] sums = new int[Resampler.sums(taps.size() * Resampler.CHANNELS)];

    scalar.horizontal(in, gap, stride, rows, taps, expected, 3, sums);
    fastest.horizontal(in, gap, stride, rows, taps, actual, 3, sums);

    assertThat(actual).as("%s, %d rows, gap %d", axis, rows, gap).isEqualTo(expected);
  }

  @Test
  void verticalGivesTheBytesOfTheScalarOne() {
    for (Axis axis : axes()) {
      for (int bytes : new int[] {1, 15, 16, 47, 64, 65, 131}) {
        compareVertical(axis, bytes, 0);
        compareVertical(axis, bytes, 5);
      }
    }
  }

  private void compareVertical(Axis axis, int bytes, int gap) {
    Taps taps = axis.taps(0, axis.outSize());
    int stride = bytes + gap;
    byte[] in = bytes(axis.inSize() * stride - gap);
    int[] sums = new int[Resampler.sums(bytes)];
    for (int row : new int[] {0, axis.outSize() / 2, axis.outSize() - 1}) {
      byte[] expected = stale(2 + bytes + 4);
      byte[] actual = expected.clone();
      int at = taps.first(row) * stride;

      scalar.vertical(in, at, stride, bytes, taps, row, expected, 2, sums);
      fastest.vertical(in, at, stride, bytes, taps, row, actual, 2, sums);

      assertThat(actual).as("%s, row %d, %d bytes", axis, row, bytes).isEqualTo(expected);
    }
  }

  static List<Axis> windows() {
    return List.of(
        new Axis(Arithmetic.PILLOW, ResampleFilter.BICUBIC, 100, 37),
        new Axis(Arithmetic.TORCH, ResampleFilter.LANCZOS, 37, 100),
        new Axis(Arithmetic.TORCH, ResampleFilter.NEAREST, 61, 20));
  }

  @ParameterizedTest
  @MethodSource("windows")
  void tapsOfAWindowAreThoseOfTheWholeAxis(Axis axis) {
    Taps whole = axis.taps(0, axis.outSize());
    Taps window = axis.taps(5, 17);

    assertThat(window.size()).isEqualTo(12);
    assertThat(window.precision()).isEqualTo(whole.precision());
    for (int i = 0; i < window.size(); i++) {
      assertThat(window.first(i)).isEqualTo(whole.first(i + 5));
      assertThat(run(window, i)).isEqualTo(run(whole, i + 5));
    }
  }

  private static int[] run(Taps taps, int out) {
    int from = taps.offset(out);
    return Arrays.copyOfRange(taps.weights(), from, from + taps.count(out));
  }

  /// Mostly extremes, where sums overshoot.
  private byte[] bytes(int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    for (int i = 0; i < size; i += 3) {
      bytes[i] = (byte) (bytes[i] < 0 ? 255 : 0);
    }
    return bytes;
  }

  private static byte[] stale(int size) {
    byte[] bytes = new byte[size];
    Arrays.fill(bytes, STALE);
    return bytes;
  }
}
