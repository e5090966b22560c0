package dev.fovea.image;

import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/// Memory that the processing of one image needs on its way, kept for the next one: an image then
/// costs no allocation but its tensors. As many are kept as there are processors, and none that has
/// grown large. Used by one thread at a time; closing gives it back.
final class Scratch implements AutoCloseable {
  private static final int MOST_KEPT_BYTES = 4 << 20;
  private static final BlockingQueue<Scratch> KEPT =
      new ArrayBlockingQueue<>(Runtime.getRuntime().availableProcessors());

  private byte[] rows = {};
  private byte[] line = {};
  private byte[] source = {};
  private byte[] framedRow = {};
  private byte[] blackRow = {};
  private byte[] levels = {};
  private byte[] canvas = {};
  private int[] sums = {};
  private int[] words = {};
  private short[] halves = {};

  private Scratch() {}

  static Scratch take() {
    Scratch kept = KEPT.poll();
    return kept == null ? new Scratch() : kept;
  }

  @Override
  public void close() {
    if (bytes() <= MOST_KEPT_BYTES) {
      // Where the queue is full this one is left to the collector.
      boolean _ = KEPT.offer(this);
    }
  }

  private long bytes() {
    return rows.length
        + (long) line.length
        + source.length
        + framedRow.length
        + blackRow.length
        + levels.length
        + canvas.length
        + 4L * (sums.length + words.length)
        + 2L * halves.length;
  }

  // Each has the size asked for at least; what it holds is what its last user left.

  /// Rows between the two passes of a resize.
  byte[] rows(int size) {
    return rows.length >= size ? rows : (rows = new byte[size]);
  }

  /// A row of the result.
  byte[] line(int size) {
    return line.length >= size ? line : (line = new byte[size]);
  }

  /// Rows of the source, within their frame.
  byte[] source(int size) {
    return source.length >= size ? source : (source = new byte[size]);
  }

  /// A row of a picture that reaches beyond its image: zeros.
  byte[] framedRow(int size) {
    framedRow = framedRow.length >= size ? framedRow : new byte[size];
    Arrays.fill(framedRow, 0, size, (byte) 0);
    return framedRow;
  }

  /// Zeros, which nobody writes to.
  byte[] blackRow(int size) {
    return blackRow.length >= size ? blackRow : (blackRow = new byte[size]);
  }

  /// A picture that is cut into tiles.
  byte[] canvas(int size) {
    return canvas.length >= size ? canvas : (canvas = new byte[size]);
  }

  /// Sums of a kernel.
  int[] sums(int size) {
    return sums.length >= size ? sums : (sums = new int[size]);
  }

  /// A row converted to elements of four bytes.
  int[] words(int size) {
    return words.length >= size ? words : (words = new int[size]);
  }

  /// A row converted to elements of two bytes.
  short[] halves(int size) {
    return halves.length >= size ? halves : (halves = new short[size]);
  }

  /// A row converted to elements of one byte.
  byte[] levels(int size) {
    return levels.length >= size ? levels : (levels = new byte[size]);
  }
}
