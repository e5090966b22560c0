package dev.fovea.engine.onnx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Native memory that one instance gathers one input's rows in: kept from batch to batch, replaced
/// by a larger piece when a batch needs it. The largest batch of the largest rows bounds it. Not
/// thread-safe.
final class BatchMemory {
  private static final long ALIGNMENT = 64;

  private MemorySegment segment = MemorySegment.NULL;

  /// The first `size` bytes; what they hold is whatever the last batch left. Longer than that it
  /// may be underneath.
  MemorySegment ofSize(long size) {
    if (segment.byteSize() < size) {
      segment = Arena.ofAuto().allocate(size, ALIGNMENT);
    }
    return segment.asSlice(0, size);
  }
}
