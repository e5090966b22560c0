package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// What each level of each channel becomes in a model's input: 256 entries a channel, computed when
/// the plan is made, in the element type of the tensor. Immutable.
abstract sealed class ValueTable {
  private static final int LEVELS = 256;

  /// The table for tensors of a type.
  ///
  /// @throws IllegalArgumentException for a type that pixels do not come in
  static ValueTable of(Backend backend, Normalisation normalisation, DataType type) {
    float[] values = new float[CHANNELS * LEVELS];
    for (int i = 0; i < values.length; i++) {
      values[i] = backend.value(i % LEVELS, normalisation, i / LEVELS);
    }
    return switch (type) {
      case FP32 -> new Words(values);
      case FP16, BF16 -> new Halves(type, values);
      case UINT8 -> new Levels();
      default ->
          throw new IllegalArgumentException(
              "type: " + type + " (expected: FP32, FP16, BF16 or UINT8)");
    };
  }

  abstract DataType type();

  /// Converts a row of pixels into `to`: all of red, all of green, all of blue.
  abstract void planar(byte[] rgb, int at, int pixels, Scratch to);

  /// Converts a row of pixels into `to`, channels interleaved.
  abstract void interleaved(byte[] rgb, int at, int pixels, Scratch to);

  /// Copies elements that were converted.
  ///
  /// @param from the first element
  /// @param index of the element of `to` that takes it
  abstract void copy(Scratch converted, int from, int count, MemorySegment to, long index);

  private static final class Words extends ValueTable {
    private static final ValueLayout.OfInt LITTLE_ENDIAN =
        ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int[] table;

    Words(float[] values) {
      this.table = new int[values.length];
      for (int i = 0; i < values.length; i++) {
        table[i] = Float.floatToRawIntBits(values[i]);
      }
    }

    @Override
    DataType type() {
      return DataType.FP32;
    }

    @Override
    void planar(byte[] rgb, int at, int pixels, Scratch to) {
      int[] words = to.words(pixels * CHANNELS);
      for (int i = 0, from = at; i < pixels; i++, from += CHANNELS) {
        words[i] = table[rgb[from] & 0xFF];
        words[pixels + i] = table[LEVELS + (rgb[from + 1] & 0xFF)];
        words[2 * pixels + i] = table[2 * LEVELS + (rgb[from + 2] & 0xFF)];
      }
    }

    @Override
    void interleaved(byte[] rgb, int at, int pixels, Scratch to) {
      int[] words = to.words(pixels * CHANNELS);
      for (int i = 0; i < pixels * CHANNELS; i += CHANNELS) {
        words[i] = table[rgb[at + i] & 0xFF];
        words[i + 1] = table[LEVELS + (rgb[at + i + 1] & 0xFF)];
        words[i + 2] = table[2 * LEVELS + (rgb[at + i + 2] & 0xFF)];
      }
    }

    @Override
    void copy(Scratch converted, int from, int count, MemorySegment to, long index) {
      MemorySegment.copy(converted.words(0), from, to, LITTLE_ENDIAN, index * 4, count);
    }
  }

  private static final class Halves extends ValueTable {
    private static final ValueLayout.OfShort LITTLE_ENDIAN =
        ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DataType type;
    private final short[] table;

    Halves(DataType type, float[] values) {
      this.type = type;
      this.table = new short[values.length];
      for (int i = 0; i < values.length; i++) {
        table[i] = type == DataType.FP16 ? Float.floatToFloat16(values[i]) : bfloat16(values[i]);
      }
    }

    /// The upper half of a float, rounded to nearest, ties to even.
    private static short bfloat16(float value) {
      int bits = Float.floatToRawIntBits(value);
      return (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
    }

    @Override
    DataType type() {
      return type;
    }

    @Override
    void planar(byte[] rgb, int at, int pixels, Scratch to) {
      short[] halves = to.halves(pixels * CHANNELS);
      for (int i = 0, from = at; i < pixels; i++) {
        for (int channel = 0; channel < CHANNELS; channel++) {
          halves[channel * pixels + i] = table[channel * LEVELS + (rgb[from++] & 0xFF)];
        }
      }
    }

    @Override
    void interleaved(byte[] rgb, int at, int pixels, Scratch to) {
      short[] halves = to.halves(pixels * CHANNELS);
      for (int i = 0; i < pixels * CHANNELS; i++) {
        halves[i] = table[i % CHANNELS * LEVELS + (rgb[at + i] & 0xFF)];
      }
    }

    @Override
    void copy(Scratch converted, int from, int count, MemorySegment to, long index) {
      MemorySegment.copy(converted.halves(0), from, to, LITTLE_ENDIAN, index * 2, count);
    }
  }

  /// Levels as they are: nothing to look up.
  private static final class Levels extends ValueTable {
    @Override
    DataType type() {
      return DataType.UINT8;
    }

    @Override
    void planar(byte[] rgb, int at, int pixels, Scratch to) {
      byte[] levels = to.levels(pixels * CHANNELS);
      for (int i = 0, from = at; i < pixels; i++) {
        for (int channel = 0; channel < CHANNELS; channel++) {
          levels[channel * pixels + i] = rgb[from++];
        }
      }
    }

    @Override
    void interleaved(byte[] rgb, int at, int pixels, Scratch to) {
      System.arraycopy(rgb, at, to.levels(pixels * CHANNELS), 0, pixels * CHANNELS);
    }

    @Override
    void copy(Scratch converted, int from, int count, MemorySegment to, long index) {
      MemorySegment.copy(converted.levels(0), from, to, ValueLayout.JAVA_BYTE, index, count);
    }
  }
}
