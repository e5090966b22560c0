package dev.fovea.tensor;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A dense array: row-major, contiguous, little-endian, exactly the bytes of one
/// `raw_input_contents` entry of the KServe v2 protocol (a BOOL is one byte, an element of BYTES
/// follows its 4-byte length).
///
/// Who owns the memory, and until when, is said by the method that returns the tensor. Readers must
/// not write.
///
/// @param type what an element is
/// @param shape the extents, all known
/// @param data the elements; its size is the tensor's size
public record Tensor(DataType type, Shape shape, MemorySegment data) {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public Tensor {
    requireNonNull(type, "type");
    requireNonNull(shape, "shape");
    requireNonNull(data, "data");
    if (type.isFixedSize() && data.byteSize() != byteSize(type, shape)) {
      throw new IllegalArgumentException(
          "data: %d bytes (expected: %d for %s %s)"
              .formatted(data.byteSize(), byteSize(type, shape), type, shape));
    }
  }

  /// The size of a tensor of that type and shape, in bytes.
  public static long byteSize(DataType type, Shape shape) {
    return Math.multiplyExact(shape.elements(), type.byteSize());
  }

  /// A tensor of zeros on the heap, owned by whoever holds it.
  public static Tensor zeros(DataType type, Shape shape) {
    long size = byteSize(type, shape);
    if (size > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException("shape: " + shape + " (expected: less than 2 GiB)");
    }
    return new Tensor(type, shape, MemorySegment.ofArray(new byte[(int) size]));
  }

  public static Tensor ofFloats(Shape shape, float... values) {
    Tensor tensor = zeros(DataType.FP32, shape);
    for (int i = 0; i < values.length; i++) {
      tensor.data.setAtIndex(FLOAT, i, values[i]);
    }
    return tensor;
  }

  public static Tensor ofLongs(Shape shape, long... values) {
    Tensor tensor = zeros(DataType.INT64, shape);
    for (int i = 0; i < values.length; i++) {
      tensor.data.setAtIndex(LONG, i, values[i]);
    }
    return tensor;
  }

  public void setInt(long index, int value) {
    data.setAtIndex(INT, index, value);
  }

  public void setLong(long index, long value) {
    data.setAtIndex(LONG, index, value);
  }

  public void setFloat(long index, float value) {
    data.setAtIndex(FLOAT, index, value);
  }

  public float floatAt(long index) {
    return data.getAtIndex(FLOAT, index);
  }

  /// The elements of an FP32 tensor in a new array.
  public float[] toFloats() {
    if (type != DataType.FP32) {
      throw new IllegalStateException("type: " + type + " (expected: FP32)");
    }
    return data.toArray(FLOAT);
  }

  /// One row of a batch: the same memory, without the outermost extent.
  public Tensor row(long index) {
    Shape row = shape.row();
    long size = byteSize(type, row);
    return new Tensor(type, row, data.asSlice(index * size, size));
  }

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return type + " " + shape;
  }
}
