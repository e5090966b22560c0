package dev.fovea.image;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;

/// A decoded image: upright, 8 bits a channel, red-green-blue interleaved, rows top down without
/// gaps.
///
/// It lies in an array, or where a native decoder has put it; then whoever decoded it closes it,
/// and reads it on the same thread. After that every access fails. Readers must not write.
public final class Pixels implements AutoCloseable {
  private static final int CHANNELS = 3;

  private final int width;
  private final int height;
  private final MemorySegment memory;
  private final Runnable release;

  private Pixels(int width, int height, MemorySegment memory, Runnable release) {
    if (width < 1 || height < 1 || memory.byteSize() != (long) CHANNELS * width * height) {
      throw new IllegalArgumentException(
          "rgb: %d bytes (expected: 3 × %d × %d)".formatted(memory.byteSize(), width, height));
    }
    this.width = width;
    this.height = height;
    this.memory = memory;
    this.release = release;
  }

  /// Pixels in an array, which belongs to whoever holds them.
  ///
  /// @param rgb width × height × 3 bytes
  public Pixels(int width, int height, byte[] rgb) {
    this(width, height, MemorySegment.ofArray(requireNonNull(rgb, "rgb")), () -> {});
  }

  /// Pixels outside the heap.
  ///
  /// @param memory width × height × 3 bytes
  /// @param release called by [#close], which may be more than once
  public static Pixels outsideTheHeap(
      int width, int height, MemorySegment memory, Runnable release) {
    return new Pixels(width, height, memory, release);
  }

  /// Pixels a row.
  public int width() {
    return width;
  }

  /// Rows.
  public int height() {
    return height;
  }

  MemorySegment memory() {
    return memory;
  }

  /// All bytes: the array itself where they lie in one, else a copy.
  public byte[] rgb() {
    return memory.heapBase().isPresent()
        ? (byte[]) memory.heapBase().get()
        : memory.toArray(JAVA_BYTE);
  }

  /// Copies part of a row.
  ///
  /// @param x its first column
  /// @param count columns
  /// @param out takes count × 3 bytes
  /// @param at where they begin
  public void copyRow(int y, int x, int count, byte[] out, int at) {
    long from = CHANNELS * ((long) y * width + x);
    MemorySegment.copy(memory, JAVA_BYTE, from, out, at, CHANNELS * count);
  }

  /// A part of this image as an image of its own, in an array; this one itself where the part is
  /// all of it.
  public Pixels part(PixelBox box) {
    if (box.isWhole(width, height)) {
      return this;
    }
    byte[] part = new byte[CHANNELS * box.width() * box.height()];
    for (int y = 0; y < box.height(); y++) {
      copyRow(box.top() + y, box.left(), box.width(), part, CHANNELS * y * box.width());
    }
    return new Pixels(box.width(), box.height(), part);
  }

  /// Gives up what lies outside the heap; pixels in an array stay as they are.
  @Override
  public void close() {
    release.run();
  }

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return width + "×" + height + " RGB";
  }
}
