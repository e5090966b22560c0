package dev.fovea.rpc.kserve;

import dev.fovea.failure.GatewayException;
import dev.fovea.tensor.DataType;
import inference.InferTensorContents;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/// Reads contents that are written element by element, the protocol's slow form.
final class TypedContents {
  private TypedContents() {}

  /// The elements as raw memory; as many as there are.
  static MemorySegment read(String field, InferTensorContents contents, DataType type) {
    return switch (type) {
      case BOOL -> {
        ByteBuffer data = data(contents.getBoolContentsCount(), type);
        contents.getBoolContentsList().forEach(value -> data.put((byte) (value ? 1 : 0)));
        yield MemorySegment.ofBuffer(data.flip());
      }
      case INT8, INT16, INT32 -> integers(contents.getIntContentsList(), type);
      case UINT8, UINT16, UINT32 -> integers(contents.getUintContentsList(), type);
      case INT64 -> longs(contents.getInt64ContentsList(), type);
      case UINT64 -> longs(contents.getUint64ContentsList(), type);
      case FP32 -> {
        ByteBuffer data = data(contents.getFp32ContentsCount(), type);
        contents.getFp32ContentsList().forEach(data::putFloat);
        yield MemorySegment.ofBuffer(data.flip());
      }
      case FP64 -> {
        ByteBuffer data = data(contents.getFp64ContentsCount(), type);
        contents.getFp64ContentsList().forEach(data::putDouble);
        yield MemorySegment.ofBuffer(data.flip());
      }
      case FP16, BF16, BYTES ->
          throw GatewayException.invalidField(
              field + ".contents", type.name(), "raw_input_contents for this type");
    };
  }

  private static ByteBuffer data(int elements, DataType type) {
    return ByteBuffer.allocate(Math.multiplyExact(elements, type.byteSize()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private static MemorySegment integers(List<Integer> values, DataType type) {
    ByteBuffer data = data(values.size(), type);
    for (int value : values) {
      switch (type.byteSize()) {
        case 1 -> data.put((byte) value);
        case 2 -> data.putShort((short) value);
        default -> data.putInt(value);
      }
    }
    return MemorySegment.ofBuffer(data.flip());
  }

  private static MemorySegment longs(List<Long> values, DataType type) {
    ByteBuffer data = data(values.size(), type);
    values.forEach(data::putLong);
    return MemorySegment.ofBuffer(data.flip());
  }
}
