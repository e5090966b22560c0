package dev.fovea.bench;

import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/// Messages as the bytes they are: whoever measures must not spend time on them.
final class RawBytes implements MethodDescriptor.Marshaller<byte[]> {
  /// The unary inference call, uninterpreted.
  static final MethodDescriptor<byte[], byte[]> INFER =
      MethodDescriptor.newBuilder(new RawBytes(), new RawBytes())
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("inference.GRPCInferenceService/ModelInfer")
          .build();

  private static final class Known extends ByteArrayInputStream implements KnownLength {
    Known(byte[] bytes) {
      super(bytes);
    }
  }

  @Override
  public InputStream stream(byte[] bytes) {
    return new Known(bytes);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try {
      byte[] bytes = new byte[stream.available()];
      int read = stream.readNBytes(bytes, 0, bytes.length);
      if (read != bytes.length) {
        throw new IllegalStateException(read + " bytes");
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
