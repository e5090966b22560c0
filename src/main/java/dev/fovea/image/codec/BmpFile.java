package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.util.Set;

/// What the headers of a Windows or OS/2 bitmap say, with the readings Pillow gives them.
final class BmpFile {
  static final int PLAIN = 0;
  static final int RUNS_OF_BYTES = 1;
  static final int RUNS_OF_NIBBLES = 2;
  static final int BIT_FIELDS = 3;

  private static final ImageFormat BMP = ImageFormat.BMP;
  private static final int FILE_HEADER_BYTES = 14;
  private static final int DATA_START_OFFSET = 10;
  private static final int OS2_HEADER_BYTES = 12;
  private static final Set<Long> HEADER_SIZES = Set.of(12L, 40L, 52L, 56L, 64L, 108L, 124L);
  private static final int WITH_ALPHA_MASK_BYTES = 56;
  private static final int OPAQUE = 0xFF << 24;
  private static final int MAX_COLOURS = 65_536;

  private final ByteReader file;
  private final int headerBytes;
  private long dataStart;
  private int width;
  private int height;
  private boolean topDown;
  private int bits;
  private int compression;
  private long colourCount;
  private final int[] masks = new int[4];
  private final int[] colours = new int[256];

  private BmpFile(ByteReader file) {
    this.file = file;
    file.littleEndian();
    file.seek(DATA_START_OFFSET);
    dataStart = file.u32();
    long size = file.u32();
    if (!HEADER_SIZES.contains(size)) {
      throw Refusals.unsupported(BMP, "header size", size, "12, 40, 52, 56, 64, 108 or 124");
    }
    headerBytes = (int) size;
  }

  static BmpFile read(ByteReader file) {
    BmpFile bmp = new BmpFile(file);
    bmp.readHeader();
    bmp.requireKnownForm();
    if (bmp.bits <= 8) {
      bmp.readColours();
    }
    if (bmp.dataStart == 0) {
      bmp.dataStart = file.position();
    }
    return bmp;
  }

  private boolean isOs2() {
    return headerBytes == OS2_HEADER_BYTES;
  }

  private void readHeader() {
    if (isOs2()) {
      width = file.u16();
      height = file.u16();
      file.skip(2);
      bits = file.u16();
    } else {
      width = extent("width", file.u32());
      long rows = file.u32();
      topDown = rows >> 24 == 0xFF;
      height = extent("height", topDown ? (1L << 32) - rows : rows);
      file.skip(2);
      bits = file.u16();
      compression = (int) file.u32();
      file.skip(12);
      colourCount = file.u32();
      readMasks();
    }
    extent("width", width);
    extent("height", height);
  }

  /// The masks follow the first 40 bytes, inside the header or behind it.
  private void readMasks() {
    file.skip(4);
    if (compression == BIT_FIELDS) {
      int known = headerBytes >= WITH_ALPHA_MASK_BYTES ? 4 : 3;
      for (int i = 0; i < known; i++) {
        masks[i] = (int) file.u32();
      }
    }
    int headerEnd = FILE_HEADER_BYTES + headerBytes;
    file.seek(Math.max(headerEnd, file.position()));
  }

  private static int extent(String name, long value) {
    if (value < 1 || value > Integer.MAX_VALUE) {
      throw Refusals.damaged(BMP, name, value, "1..2147483647");
    }
    return (int) value;
  }

  private void requireKnownForm() {
    boolean known =
        switch (compression) {
          case PLAIN -> bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits >= 24;
          case RUNS_OF_BYTES -> bits == 8;
          case RUNS_OF_NIBBLES -> bits == 4;
          case BIT_FIELDS -> bits == 16 || bits == 24 || bits == 32;
          default -> false;
        };
    if (!known || bits > 24 && bits != 32) {
      String form = bits + " bits, compression " + compression;
      throw Refusals.unsupported(BMP, "form", form, "plain, RLE or bit fields of usual depth");
    }
  }

  /// The palette. Where its entries are the greys in order, indices beyond it are greys too, else
  /// they are black.
  private void readColours() {
    int entryBytes = isOs2() ? 3 : 4;
    if (colourCount == 0) {
      colourCount = 1L << bits;
    }
    if (colourCount > MAX_COLOURS) {
      throw Refusals.damaged(BMP, "palette", colourCount + " colours", "at most " + MAX_COLOURS);
    }
    if (dataStart == FILE_HEADER_BYTES + headerBytes) {
      dataStart += entryBytes * colourCount;
    }
    // Of two colours Pillow asks whether they are black and white instead.
    boolean greys = colourCount != 2;
    for (int i = 0; i < 256; i++) {
      colours[i] = i < colourCount ? readColour(entryBytes) : greys ? grey(i) : OPAQUE;
      greys &= colours[i] == grey(i);
    }
    file.skip(Math.max(0, colourCount - 256) * entryBytes);
  }

  private int readColour(int entryBytes) {
    int bgr = file.u8() | file.u8() << 8 | file.u8() << 16;
    file.skip(entryBytes - 3);
    return OPAQUE | bgr;
  }

  private static int grey(int value) {
    return OPAQUE | value * 0x010101;
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /// Whether the first row stored is the top one.
  boolean topDown() {
    return topDown;
  }

  /// Bits of a pixel: 1, 4, 8, 16, 24 or 32.
  int bits() {
    return bits;
  }

  /// [#PLAIN], [#RUNS_OF_BYTES], [#RUNS_OF_NIBBLES] or [#BIT_FIELDS].
  int compression() {
    return compression;
  }

  /// Which bits of a pixel are red, green, blue and alpha; zeros unless there are bit fields.
  int[] masks() {
    return masks.clone();
  }

  /// 256 colours as 0xAARRGGBB, for pixels of up to 8 bits.
  int[] colours() {
    return colours.clone();
  }

  /// Bytes of a row of plain pixels, padding included.
  int stride() {
    return Math.toIntExact(((long) width * bits + 31) / 32 * 4);
  }

  /// A reader at the first pixel.
  ByteReader data() {
    return file.from(dataStart);
  }
}
