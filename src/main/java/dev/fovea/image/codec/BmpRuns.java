package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// The run lengths of bitmaps, in the reading of Pillow: a run does not go on in the next row, and
/// what a row or the picture lacks at an escape is the first colour.
final class BmpRuns {
  private static final int END_OF_ROW = 0;
  private static final int END_OF_PICTURE = 1;
  private static final int MOVE = 2;

  private final ByteReader data;
  private final int width;
  private final boolean nibbles;
  private final byte[] indices;
  private int done;
  private int column;

  private BmpRuns(BmpFile bmp) {
    this.data = bmp.data();
    this.width = bmp.width();
    this.nibbles = bmp.compression() == BmpFile.RUNS_OF_NIBBLES;
    this.indices = new byte[bmp.width() * bmp.height()];
  }

  /// The palette indices, rows in the order they are stored in.
  static byte[] decode(BmpFile bmp) {
    BmpRuns runs = new BmpRuns(bmp);
    while (runs.done < runs.indices.length && runs.readRun()) {}
    if (runs.done < runs.indices.length) {
      throw Refusals.damaged(ImageFormat.BMP, "image data", "too short", "every pixel");
    }
    return runs.indices;
  }

  /// Whether more may follow.
  private boolean readRun() {
    if (data.remaining() < 2) {
      return false;
    }
    int length = data.u8();
    int value = data.u8();
    if (length > 0) {
      int run = Math.max(0, Math.min(length, width - column));
      for (int i = 0; i < run; i++) {
        put(nibbles ? nibble(value, i) : value);
      }
      column += run;
      return true;
    }
    return switch (value) {
      case END_OF_ROW -> endRow();
      case END_OF_PICTURE -> false;
      case MOVE -> move();
      default -> copy(value);
    };
  }

  private boolean endRow() {
    put(0, Math.floorMod(-done, width));
    column = 0;
    return true;
  }

  private boolean move() {
    if (data.remaining() < 2) {
      return false;
    }
    int right = data.u8();
    int up = data.u8();
    put(0, right + (long) up * width);
    column = done % width;
    return true;
  }

  /// Pixels as they are, up to a 16-bit boundary of the file. An odd nibble at the end is lost, as
  /// Pillow loses it.
  private boolean copy(int length) {
    int bytes = nibbles ? length / 2 : length;
    for (int i = 0; i < bytes; i++) {
      if (data.remaining() == 0) {
        return false;
      }
      int value = data.u8();
      put(nibbles ? value >> 4 : value);
      if (nibbles) {
        put(value & 0xF);
      }
    }
    column += length;
    data.skip(data.remaining() > 0 ? data.position() & 1 : 0);
    return true;
  }

  private static int nibble(int value, int i) {
    return i % 2 == 0 ? value >> 4 : value & 0xF;
  }

  private void put(int index) {
    if (done < indices.length) {
      indices[done++] = (byte) index;
    }
  }

  private void put(int index, long count) {
    for (long i = Math.min(count, indices.length - done); i > 0; i--) {
      put(index);
    }
  }
}
