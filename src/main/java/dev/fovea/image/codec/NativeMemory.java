package dev.fovea.image.codec;

import dev.fovea.image.Pixels;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Predicate;

/// Memory outside the heap for what native decoders read and write, not cleared: an arena would
/// write zeros over what the call is about to fill.
///
/// Decoders get such memory and not the heap's own arrays, for a call that holds an array keeps
/// every thread from its safepoint until the image is done.
///
/// Used by the thread that made it. After [#close] the segment refuses every access, and the memory
/// goes to whoever needs as much next.
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
  private static final KeptMemory KEPT =
      new KeptMemory(
          KeptMemory.mostBytes(Runtime.getRuntime().availableProcessors()), NativeMemory::free);

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment block;
  private final MemorySegment segment;

  private NativeMemory(long bytes) {
    block = KEPT.take(bytes).orElseGet(() -> malloc(bytes));
    segment = block.asSlice(0, bytes).reinterpret(arena, null);
  }

  static NativeMemory allocate(long bytes) {
    return new NativeMemory(bytes);
  }

  /// Memory that `work` has filled; empty when it says that it has not.
  static Optional<NativeMemory> filled(long bytes, Predicate<MemorySegment> work) {
    NativeMemory memory = new NativeMemory(bytes);
    boolean filled = false;
    try {
      filled = work.test(memory.segment);
      return filled ? Optional.of(memory) : Optional.empty();
    } finally {
      if (!filled) {
        memory.close();
      }
    }
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

  /// Its bytes as an image, which from now on is what is to be closed.
  Pixels pixels(int width, int height) {
    return Pixels.outsideTheHeap(width, height, segment, this::close);
  }

  /// Its bytes, copied.
  byte[] toArray() {
    return segment.toArray(ValueLayout.JAVA_BYTE);
  }

  /// Twice does no harm: what the block holds by then may be another's.
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      KEPT.give(block);
    }
  }

  private static MemorySegment malloc(long bytes) {
    try {
      MemorySegment address = (MemorySegment) MALLOC.invokeExact(Math.max(1, bytes));
      if (address.equals(MemorySegment.NULL)) {
        throw new IllegalStateException("native memory: no " + bytes + " bytes");
      }
      return address.reinterpret(bytes);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static void free(MemorySegment block) {
    try {
      FREE.invokeExact(block);
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
