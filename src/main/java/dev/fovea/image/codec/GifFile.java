package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageFormat;
import java.util.Optional;

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
  private static final int EXTENT_BYTES = 8;
  private static final GifFrame.Control PLAIN = new GifFrame.Control(-1, 0);

  private final ByteReader file;
  private final int screenWidth;
  private final int screenHeight;
  private final int background;
  private final GifPalette globalPalette;
  private boolean first = true;

  GifFile(ByteReader file) {
    this.file = file;
    file.littleEndian();
    file.seek(SIGNATURE_BYTES);
    screenWidth = file.u16();
    screenHeight = file.u16();
    int flags = file.u8();
    boolean hasTable = (flags & HAS_TABLE) != 0;
    background = hasTable ? file.u8() : 0;
    file.skip(hasTable ? 1 : 2);
    globalPalette = hasTable ? readTable(flags) : GifPalette.GREYS;
  }

  /// Pixels a row of the logical screen, as declared.
  int screenWidth() {
    return screenWidth;
  }

  /// Rows of the logical screen, as declared.
  int screenHeight() {
    return screenHeight;
  }

  /// The index of the colour behind all frames.
  int background() {
    return background;
  }

  /// The next frame; bytes between frames that mean nothing are passed over. A file may end
  /// anywhere behind its first frame.
  Optional<GifFrame> nextFrame() {
    if (first) {
      first = false;
      return Optional.of(readUpToFrame());
    }
    try {
      file.skip(1);
      skipBlocks();
      return Optional.of(readUpToFrame());
    } catch (GatewayException end) {
      return Optional.empty();
    }
  }

  /// Passes over the next frame, of which only its being there is of interest.
  ///
  /// @return whether there was one
  boolean passFrame() {
    try {
      file.skip(1);
      skipBlocks();
      findFrame();
      file.skip(EXTENT_BYTES);
      int flags = file.u8();
      file.skip((flags & HAS_TABLE) != 0 ? tableBytes(flags) : 0);
      return true;
    } catch (GatewayException end) {
      return false;
    }
  }

  private GifFrame readUpToFrame() {
    return readFrame(findFrame());
  }

  /// Goes to the next frame and tells how it is painted.
  private GifFrame.Control findFrame() {
    GifFrame.Control control = PLAIN;
    while (true) {
      switch (file.u8()) {
        case EXTENSION -> control = readExtension(control);
        case IMAGE -> {
          return control;
        }
        case TRAILER -> throw Refusals.damaged(GIF, "frames", "none", "one or more");
        default -> {}
      }
    }
  }

  /// Passes over an extension; how the next frame is painted is all that is looked for.
  private GifFrame.Control readExtension(GifFrame.Control before) {
    GifFrame.Control control = before;
    boolean expected = file.u8() == GRAPHIC_CONTROL;
    for (int size = file.u8(); size > 0; size = file.u8()) {
      ByteReader block = file.slice(size);
      if (expected && size >= GRAPHIC_CONTROL_BYTES) {
        int flags = block.u8();
        block.skip(2);
        int disposal = flags >> 2 & 7;
        control =
            new GifFrame.Control(
                (flags & 1) != 0 ? block.u8() : control.transparentIndex(),
                disposal != 0 ? disposal : control.disposal());
      }
      expected = false;
    }
    return control;
  }

  private void skipBlocks() {
    for (int size = file.u8(); size > 0; size = file.u8()) {
      file.skip(size);
    }
  }

  private GifFrame readFrame(GifFrame.Control control) {
    int left = file.u16();
    int top = file.u16();
    int width = extent("frame width", file.u16());
    int height = extent("frame height", file.u16());
    int flags = file.u8();
    GifPalette palette = (flags & HAS_TABLE) != 0 ? readTable(flags) : globalPalette;
    boolean interlaced = (flags & INTERLACED) != 0;
    ByteReader data = file.from(file.position());
    return new GifFrame(left, top, width, height, interlaced, control, palette, data);
  }

  private static int extent(String name, int value) {
    if (value == 0) {
      throw Refusals.damaged(GIF, name, value, "> 0");
    }
    return value;
  }

  private static long tableBytes(int flags) {
    return 3L * (2 << (flags & TABLE_SIZE));
  }

  private GifPalette readTable(int flags) {
    return new GifPalette(file.slice(tableBytes(flags)));
  }
}
