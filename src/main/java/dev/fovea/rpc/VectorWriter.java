package dev.fovea.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.fovea.failure.GatewayException;
import dev.fovea.v1.FloatVector;
import dev.fovea.v1.Vector;
import dev.fovea.v1.VectorElementType;
import dev.fovea.v1.VectorEncoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Writes a vector in the form that the caller wants.
final class VectorWriter {
  private static final int INT8_MAX = 127;

  private VectorWriter() {}

  static void requireKnown(VectorEncoding encoding, int value) {
    if (encoding == VectorEncoding.UNRECOGNIZED) {
      throw GatewayException.invalidField("vector_encoding", value, "a known encoding");
    }
  }

  static Vector write(float[] vector, VectorEncoding encoding) {
    Vector.Builder written = Vector.newBuilder().setDimension(vector.length);
    switch (encoding) {
      case VECTOR_ENCODING_UNSPECIFIED, VECTOR_ENCODING_FLOATS ->
          written
              .setElementType(VectorElementType.VECTOR_ELEMENT_TYPE_FLOAT32)
              .setFloats(floats(vector));
      case VECTOR_ENCODING_PACKED_FLOAT32 ->
          written
              .setElementType(VectorElementType.VECTOR_ELEMENT_TYPE_FLOAT32)
              .setPacked(float32(vector));
      case VECTOR_ENCODING_PACKED_FLOAT16 ->
          written
              .setElementType(VectorElementType.VECTOR_ELEMENT_TYPE_FLOAT16)
              .setPacked(float16(vector));
      case VECTOR_ENCODING_PACKED_INT8 -> {
        float scale = int8Scale(vector);
        written
            .setElementType(VectorElementType.VECTOR_ELEMENT_TYPE_INT8)
            .setPacked(int8(vector, scale))
            .setScale(scale);
      }
      case VECTOR_ENCODING_PACKED_BINARY ->
          written
              .setElementType(VectorElementType.VECTOR_ELEMENT_TYPE_BINARY)
              .setPacked(binary(vector));
      case UNRECOGNIZED -> throw new IllegalArgumentException("encoding: unknown");
    }
    return written.build();
  }

  private static FloatVector floats(float[] vector) {
    FloatVector.Builder floats = FloatVector.newBuilder();
    for (float component : vector) {
      floats.addValues(component);
    }
    return floats.build();
  }

  /// The numbers as bytes, 4 each, little-endian.
  static ByteString float32(float[] vector) {
    ByteBuffer bytes = buffer(vector.length * Float.BYTES);
    for (float component : vector) {
      bytes.putFloat(component);
    }
    return UnsafeByteOperations.unsafeWrap(bytes.array());
  }

  private static ByteString float16(float[] vector) {
    ByteBuffer bytes = buffer(vector.length * Short.BYTES);
    for (float component : vector) {
      bytes.putShort(Float.floatToFloat16(component));
    }
    return UnsafeByteOperations.unsafeWrap(bytes.array());
  }

  /// max |v| ÷ 127, so that the largest component uses the whole range; 1 for a vector of zeros.
  private static float int8Scale(float[] vector) {
    float largest = 0;
    for (float component : vector) {
      largest = Math.max(largest, Math.abs(component));
    }
    return largest > 0 ? largest / INT8_MAX : 1;
  }

  private static ByteString int8(float[] vector, float scale) {
    byte[] bytes = new byte[vector.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Math.clamp(Math.round(vector[i] / scale), -INT8_MAX, INT8_MAX);
    }
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  private static ByteString binary(float[] vector) {
    byte[] bytes = new byte[(vector.length + 7) / 8];
    for (int i = 0; i < vector.length; i++) {
      if (vector[i] > 0) {
        bytes[i / 8] = (byte) (bytes[i / 8] | 0x80 >> i % 8);
      }
    }
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
