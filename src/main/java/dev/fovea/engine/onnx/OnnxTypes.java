package dev.fovea.engine.onnx;

import ai.onnxruntime.OnnxJavaType;
import dev.fovea.tensor.DataType;
import java.util.Optional;

/// The element types that both sides know.
final class OnnxTypes {
  private OnnxTypes() {}

  static Optional<DataType> dataType(OnnxJavaType type) {
    return switch (type) {
      case FLOAT -> Optional.of(DataType.FP32);
      case DOUBLE -> Optional.of(DataType.FP64);
      case INT8 -> Optional.of(DataType.INT8);
      case INT16 -> Optional.of(DataType.INT16);
      case INT32 -> Optional.of(DataType.INT32);
      case INT64 -> Optional.of(DataType.INT64);
      case BOOL -> Optional.of(DataType.BOOL);
      case UINT8 -> Optional.of(DataType.UINT8);
      case FLOAT16 -> Optional.of(DataType.FP16);
      case BFLOAT16 -> Optional.of(DataType.BF16);
      case STRING, UNKNOWN -> Optional.empty();
    };
  }

  /// @throws IllegalArgumentException for a type that no model of this engine was let through with
  static OnnxJavaType onnxType(DataType type) {
    return switch (type) {
      case FP32 -> OnnxJavaType.FLOAT;
      case FP64 -> OnnxJavaType.DOUBLE;
      case INT8 -> OnnxJavaType.INT8;
      case INT16 -> OnnxJavaType.INT16;
      case INT32 -> OnnxJavaType.INT32;
      case INT64 -> OnnxJavaType.INT64;
      case BOOL -> OnnxJavaType.BOOL;
      case UINT8 -> OnnxJavaType.UINT8;
      case FP16 -> OnnxJavaType.FLOAT16;
      case BF16 -> OnnxJavaType.BFLOAT16;
      case UINT16, UINT32, UINT64, BYTES ->
          throw new IllegalArgumentException("type: " + type + " (expected: a type of ONNX)");
    };
  }
}
