package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// A table of 2 to 256 colours, left where it lies until it is asked for.
final class GifPalette {
  /// Where a file has no table, and where its table says no more.
  static final GifPalette GREYS =
      new GifPalette(ByteReader.of(ImageFormat.GIF, ByteBuffer.allocate(0)));

  private static final int OPAQUE = 0xFF << 24;
  private static final int SIZE = 256;

  private final ByteReader table;

  GifPalette(ByteReader table) {
    this.table = table;
  }

  /// Whether every colour is the grey of its index. Pillow takes such a table for none.
  boolean greys() {
    ByteReader reader = table.from(0);
    for (int grey = 0; reader.remaining() > 0; grey++) {
      int red = reader.u8();
      int green = reader.u8();
      int blue = reader.u8();
      if (red != grey || green != grey || blue != grey) {
        return false;
      }
    }
    return true;
  }

  /// 256 colours as 0xAARRGGBB; those that the table lacks are black.
  ///
  /// @param transparentIndex the one whose alpha is 0; -1 for none
  int[] colours(int transparentIndex) {
    int[] colours = new int[SIZE];
    Arrays.fill(colours, OPAQUE);
    if (greys()) {
      for (int grey = 0; grey < SIZE; grey++) {
        colours[grey] |= grey * 0x010101;
      }
    } else {
      ByteReader reader = table.from(0);
      for (int i = 0; reader.remaining() > 0; i++) {
        colours[i] |= reader.u8() << 16 | reader.u8() << 8 | reader.u8();
      }
    }
    if (transparentIndex >= 0) {
      colours[transparentIndex] &= ~OPAQUE;
    }
    return colours;
  }

  /// One opaque colour; the first one where the table does not have it.
  int colour(int index) {
    boolean lacking = !greys() && 3 * index >= table.size();
    return colours(-1)[lacking ? 0 : index];
  }
}
