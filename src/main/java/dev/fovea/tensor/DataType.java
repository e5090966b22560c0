package dev.fovea.tensor;

import java.util.Optional;

/// The element types of the KServe v2 inference protocol, under its own names.
public enum DataType {
  BOOL(1),
  UINT8(1),
  UINT16(2),
  UINT32(4),
  UINT64(8),
  INT8(1),
  INT16(2),
  INT32(4),
  INT64(8),
  FP16(2),
  FP32(4),
  FP64(8),
  BF16(2),
  /// Byte strings, each behind a 4-byte little-endian length.
  BYTES(0);

  private final int byteSize;

  DataType(int byteSize) {
    this.byteSize = byteSize;
  }

  /// Bytes of one element.
  ///
  /// @throws IllegalStateException for [#BYTES], whose elements differ in size
  public int byteSize() {
    if (this == BYTES) {
      throw new IllegalStateException("byteSize: BYTES has elements of any size");
    }
    return byteSize;
  }

  public boolean isFixedSize() {
    return this != BYTES;
  }

  /// The type of that name, upper case as on the wire.
  public static Optional<DataType> named(String name) {
    for (DataType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
