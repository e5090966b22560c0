package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/// What the chunks of a PNG file say, image data left where it is.
final class PngFile {
  static final int GREY = 0;
  static final int COLOUR = 2;
  static final int PALETTE = 3;
  static final int GREY_ALPHA = 4;
  static final int COLOUR_ALPHA = 6;

  private static final ImageFormat PNG = ImageFormat.PNG;
  private static final int SIGNATURE_BYTES = 8;
  private static final int HEADER_BYTES = 13;
  private static final int CRC_BYTES = 4;

  private final ByteReader file;
  private final PngOrientation orientation = new PngOrientation();
  private int width;
  private int height;
  private int depth;
  private int colourType = -1;
  private boolean interlaced;
  private int dataStart = -1;
  private @Nullable ByteReader palette;
  private @Nullable ByteReader transparency;

  private PngFile(ByteReader file) {
    this.file = file;
  }

  static PngFile read(ByteReader file) {
    PngFile png = new PngFile(file);
    file.seek(SIGNATURE_BYTES);
    png.readToImageData();
    png.readAfterImageData();
    return png;
  }

  private void readToImageData() {
    while (dataStart < 0) {
      int start = file.position();
      long length = file.u32();
      String type = type(file);
      ByteReader chunk = type.equals("IDAT") ? file.slice(0) : file.slice(length);
      switch (type) {
        case "IHDR" -> readHeader(verified(type, chunk));
        case "PLTE" -> palette = verified(type, chunk);
        case "tRNS" -> transparency = chunk;
        case "IDAT" -> dataStart = start;
        case "IEND" -> throw Refusals.damaged(PNG, "chunk", "IEND", "image data before it");
        default -> orientation.add(type, chunk);
      }
      if (dataStart < 0) {
        file.skip(CRC_BYTES);
      }
    }
    if (colourType < 0) {
      throw Refusals.damaged(PNG, "chunk", "IDAT", "IHDR before it");
    }
    if (colourType == PALETTE && palette == null) {
      throw Refusals.damaged(PNG, "palette", "missing", "PLTE before IDAT");
    }
  }

  /// Metadata may follow the image. Whatever is wrong here does no harm.
  private void readAfterImageData() {
    file.seek(dataStart);
    while (file.remaining() > 2 * CRC_BYTES) {
      long length = file.u32();
      String type = file.slice(4).text();
      if (length + CRC_BYTES > file.remaining() || type.equals("IEND")) {
        return;
      }
      orientation.add(type, file.slice(length));
      file.skip(CRC_BYTES);
    }
  }

  private static String type(ByteReader file) {
    String type = file.slice(4).text();
    if (!type.chars().allMatch(c -> Character.isLetter(c) && c < 0x80)) {
      throw Refusals.damaged(PNG, "chunk type", "not letters", "four letters");
    }
    return type;
  }

  /// The content of a chunk that the image cannot do without.
  private ByteReader verified(String type, ByteReader chunk) {
    CRC32 crc = new CRC32();
    crc.update(type.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    crc.update(chunk.buffer());
    if (file.from(file.position()).u32() != crc.getValue()) {
      throw Refusals.damaged(PNG, "checksum of " + type, "wrong", "that of its bytes");
    }
    return chunk;
  }

  private void readHeader(ByteReader chunk) {
    if (chunk.remaining() < HEADER_BYTES) {
      throw Refusals.damaged(PNG, "IHDR", chunk.remaining() + " bytes", "13");
    }
    width = extent("width", chunk.u32());
    height = extent("height", chunk.u32());
    depth = chunk.u8();
    colourType = chunk.u8();
    requireKnown("compression method", chunk.u8(), 0);
    requireKnown("filter method", chunk.u8(), 0);
    int interlace = chunk.u8();
    requireKnown("interlace method", interlace, 1);
    interlaced = interlace == 1;
    if (!allowed(colourType, depth)) {
      throw Refusals.damaged(
          PNG, "bit depth", depth, "one that colour type " + colourType + " has");
    }
  }

  private static int extent(String name, long value) {
    if (value < 1 || value > Integer.MAX_VALUE) {
      throw Refusals.damaged(PNG, name, value, "1..2147483647");
    }
    return (int) value;
  }

  private static void requireKnown(String name, int value, int largest) {
    if (value > largest) {
      throw Refusals.damaged(PNG, name, value, "at most " + largest);
    }
  }

  private static boolean allowed(int colourType, int depth) {
    return switch (colourType) {
      case GREY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
      case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
      case COLOUR, GREY_ALPHA, COLOUR_ALPHA -> depth == 8 || depth == 16;
      default -> false;
    };
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /// Bits of a sample.
  int depth() {
    return depth;
  }

  int colourType() {
    return colourType;
  }

  boolean interlaced() {
    return interlaced;
  }

  int orientation() {
    return orientation.value();
  }

  int bitsPerPixel() {
    return switch (colourType) {
      case GREY, PALETTE -> depth;
      case GREY_ALPHA -> 2 * depth;
      case COLOUR -> 3 * depth;
      default -> 4 * depth;
    };
  }

  /// Bytes of a row of `width` pixels, its filter byte not counted.
  long rowBytes(int width) {
    return ((long) width * bitsPerPixel() + 7) / 8;
  }

  /// A reader at the first IDAT chunk.
  ByteReader data() {
    return file.from(dataStart);
  }

  /// The bytes of PLTE: red, green, blue of each entry; empty where there is none.
  byte[] palette() {
    return palette == null ? new byte[0] : content(palette);
  }

  /// The bytes of tRNS; empty where there is none.
  byte[] transparency() {
    return transparency == null ? new byte[0] : content(transparency);
  }

  private static byte[] content(ByteReader chunk) {
    ByteReader reader = chunk.from(0);
    return reader.bytes(Math.min(reader.remaining(), 3 * 256));
  }
}
