package dev.fovea.rpc.kserve;

import com.google.protobuf.ByteOutput;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Bytes of messages as memory of tensors and back, without a copy.
final class Memory {
  private Memory() {}

  /// The bytes as they lie, in one piece. Only for reading, whatever the segment allows.
  static MemorySegment of(ByteString bytes) {
    if (bytes.isEmpty()) {
      return MemorySegment.ofArray(new byte[0]);
    }
    Pieces pieces = new Pieces();
    try {
      UnsafeByteOperations.unsafeWriteTo(bytes, pieces);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return pieces.only().orElseGet(() -> MemorySegment.ofArray(bytes.toByteArray()));
  }

  /// The memory of a tensor, which must not change any more.
  static ByteString bytes(MemorySegment data) {
    if (data.heapBase().orElse(null) instanceof byte[] array) {
      return UnsafeByteOperations.unsafeWrap(
          array, Math.toIntExact(data.address()), Math.toIntExact(data.byteSize()));
    }
    return UnsafeByteOperations.unsafeWrap(data.asByteBuffer());
  }

  /// Learns where bytes lie by having them written.
  private static final class Pieces extends ByteOutput {
    private @Nullable MemorySegment piece;
    private int count;

    Optional<MemorySegment> only() {
      return count == 1 ? Optional.ofNullable(piece) : Optional.empty();
    }

    @Override
    public void writeLazy(byte[] value, int offset, int length) {
      count++;
      piece = MemorySegment.ofArray(value).asSlice(offset, length);
    }

    @Override
    public void writeLazy(ByteBuffer value) {
      count++;
      piece = MemorySegment.ofBuffer(value);
    }

    @Override
    public void write(byte value) {
      throw new UnsupportedOperationException("bytes come in pieces");
    }

    @Override
    public void write(byte[] value, int offset, int length) {
      writeLazy(value.clone(), offset, length);
    }

    @Override
    public void write(ByteBuffer value) {
      throw new UnsupportedOperationException("bytes come in pieces that stay");
    }
  }
}
