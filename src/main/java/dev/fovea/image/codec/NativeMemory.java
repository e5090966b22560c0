package dev.fovea.image.codec;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/// Memory outside the heap for one native call, not cleared: an arena would write zeros over what
/// the call is about to fill.
///
/// Decoders get such memory and not the heap's own arrays, for a call that holds an array keeps
/// every thread from its safepoint until the image is done.
final class NativeMemory implements AutoCloseable {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MALLOC =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("malloc"),
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
  private static final MethodHandle FREE =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("free"),
          FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  private final MemorySegment segment;

  private NativeMemory(long bytes) {
    try {
      MemorySegment address = (MemorySegment) MALLOC.invokeExact(Math.max(1, bytes));
      if (address.equals(MemorySegment.NULL)) {
        throw new IllegalStateException("native memory: no " + bytes + " bytes");
      }
      segment = address.reinterpret(bytes);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static NativeMemory allocate(long bytes) {
    return new NativeMemory(bytes);
  }

  /// A copy of what lies between position and limit.
  static NativeMemory copyOf(ByteBuffer bytes) {
    NativeMemory memory = new NativeMemory(bytes.remaining());
    memory.segment.copyFrom(MemorySegment.ofBuffer(bytes));
    return memory;
  }

  MemorySegment segment() {
    return segment;
  }

  /// Its bytes, copied.
  byte[] toArray() {
    return segment.toArray(ValueLayout.JAVA_BYTE);
  }

  @Override
  public void close() {
    try {
      FREE.invokeExact(segment);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// What a downcall threw though C throws nothing.
  static RuntimeException unexpected(Throwable e) {
    return switch (e) {
      case RuntimeException own -> own;
      case Error own -> throw own;
      default -> new IllegalStateException(e);
    };
  }
}
