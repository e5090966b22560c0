package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.util.Arrays;

/// Reads the frames of a GIF file one after the other.
final class GifFile {
  private static final ImageFormat GIF = ImageFormat.GIF;
  private static final int SIGNATURE_BYTES = 6;
  private static final int HAS_TABLE = 0x80;
  private static final int TABLE_SIZE = 7;
  private static final int INTERLACED = 0x40;
  private static final int EXTENSION = 0x21;
  private static final int IMAGE = 0x2C;
  private static final int TRAILER = 0x3B;
  private static final int GRAPHIC_CONTROL = 0xF9;
  private static final int GRAPHIC_CONTROL_BYTES = 4;
  private static final int OPAQUE = 0xFF << 24;
  private static final int NONE = -1;

  private final ByteReader file;
  private final int screenWidth;
  private final int screenHeight;
  private final int[] globalColours;

  GifFile(ByteReader file) {
    this.file = file;
    file.littleEndian();
    file.seek(SIGNATURE_BYTES);
    screenWidth = file.u16();
    screenHeight = file.u16();
    int flags = file.u8();
    file.skip(2);
    globalColours = (flags & HAS_TABLE) != 0 ? readTable(flags) : greys();
  }

  /// Pixels a row of the logical screen, as declared.
  int screenWidth() {
    return screenWidth;
  }

  /// Rows of the logical screen, as declared.
  int screenHeight() {
    return screenHeight;
  }

  /// The next frame; bytes between frames that mean nothing are passed over.
  GifFrame nextFrame() {
    int transparentIndex = NONE;
    while (true) {
      switch (file.u8()) {
        case EXTENSION -> transparentIndex = readExtension(transparentIndex);
        case IMAGE -> {
          return readFrame(transparentIndex);
        }
        case TRAILER -> throw Refusals.damaged(GIF, "frames", "none", "one or more");
        default -> {}
      }
    }
  }

  /// Passes over an extension; the transparent colour is all that is looked for.
  private int readExtension(int transparentIndex) {
    boolean control = file.u8() == GRAPHIC_CONTROL;
    int found = transparentIndex;
    for (int size = file.u8(); size > 0; size = file.u8()) {
      ByteReader block = file.slice(size);
      if (control && size >= GRAPHIC_CONTROL_BYTES && (block.u8() & 1) != 0) {
        block.skip(2);
        found = block.u8();
      }
      control = false;
    }
    return found;
  }

  private GifFrame readFrame(int transparentIndex) {
    int left = file.u16();
    int top = file.u16();
    int width = extent("frame width", file.u16());
    int height = extent("frame height", file.u16());
    int flags = file.u8();
    int[] colours = (flags & HAS_TABLE) != 0 ? readTable(flags) : globalColours.clone();
    if (transparentIndex >= 0) {
      colours[transparentIndex] &= ~OPAQUE;
    }
    boolean interlaced = (flags & INTERLACED) != 0;
    ByteReader data = file.slice(file.remaining());
    return new GifFrame(left, top, width, height, interlaced, transparentIndex, colours, data);
  }

  private static int extent(String name, int value) {
    if (value == 0) {
      throw Refusals.damaged(GIF, name, value, "> 0");
    }
    return value;
  }

  /// A table of 2 to 256 colours; what it lacks is black.
  private int[] readTable(int flags) {
    int[] colours = new int[256];
    Arrays.fill(colours, OPAQUE);
    for (int i = 0; i < 2 << (flags & TABLE_SIZE); i++) {
      colours[i] |= file.u8() << 16 | file.u8() << 8 | file.u8();
    }
    return colours;
  }

  private static int[] greys() {
    int[] colours = new int[256];
    for (int grey = 0; grey < 256; grey++) {
      colours[grey] = OPAQUE | grey * 0x010101;
    }
    return colours;
  }
}
