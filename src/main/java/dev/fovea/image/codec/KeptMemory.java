package dev.fovea.image.codec;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;
import java.util.function.Consumer;

/// Blocks of native memory that wait for the next image. A fresh block faults on every page of 4 KB
/// that is written to, and for a photograph of 12 megapixels that takes half as long again as
/// decoding it.
///
/// Bounded in bytes and in blocks: what does not fit is freed, the longest unused first. Small
/// blocks are not kept, malloc is as good at those. Thread-safe.
final class KeptMemory {
  private static final long LEAST_BYTES = 1L << 17;
  private static final long BYTES_A_PROCESSOR = 40L << 20;
  private static final int MOST_BLOCKS = 64;

  private final long mostBytes;
  private final Consumer<MemorySegment> free;

  // Guarded by itself; the last one was used last.
  private final Deque<MemorySegment> blocks = new ArrayDeque<>();
  private long bytes;

  /// @param mostBytes that are kept
  /// @param free takes the blocks that are not
  KeptMemory(long mostBytes, Consumer<MemorySegment> free) {
    this.mostBytes = mostBytes;
    this.free = free;
  }

  /// A photograph of 12 megapixels and its file for each processor.
  static long mostBytes(int processors) {
    return processors * BYTES_A_PROCESSOR;
  }

  /// A block of that size or up to twice as large, the one that was used last: it is still in the
  /// caches. Empty when there is none.
  Optional<MemorySegment> take(long size) {
    if (size < LEAST_BYTES) {
      return Optional.empty();
    }
    synchronized (blocks) {
      for (Iterator<MemorySegment> all = blocks.descendingIterator(); all.hasNext(); ) {
        MemorySegment block = all.next();
        if (size <= block.byteSize() && block.byteSize() / 2 <= size) {
          all.remove();
          bytes -= block.byteSize();
          return Optional.of(block);
        }
      }
    }
    return Optional.empty();
  }

  /// Keeps a block, or frees it.
  void give(MemorySegment block) {
    if (block.byteSize() < LEAST_BYTES || block.byteSize() > mostBytes) {
      free.accept(block);
      return;
    }
    synchronized (blocks) {
      while (bytes + block.byteSize() > mostBytes || blocks.size() == MOST_BLOCKS) {
        MemorySegment oldest = blocks.removeFirst();
        bytes -= oldest.byteSize();
        free.accept(oldest);
      }
      blocks.addLast(block);
      bytes += block.byteSize();
    }
  }
}
