package dev.fovea.image.codec;

import static dev.fovea.image.codec.TiffLayout.DEFLATE;
import static dev.fovea.image.codec.TiffLayout.LZW;
import static dev.fovea.image.codec.TiffLayout.OLD_DEFLATE;
import static dev.fovea.image.codec.TiffLayout.PACK_BITS;

import dev.fovea.image.ImageFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Decompresses the tiles of a TIFF page, one at a time.
final class TiffTiles {
  private static final ImageFormat TIFF = ImageFormat.TIFF;

  private final ByteReader file;
  private final TiffDirectory page;
  private final TiffLayout layout;
  private final boolean bigEndian;

  TiffTiles(ByteReader file, TiffDirectory page, TiffLayout layout) {
    this.file = file;
    this.page = page;
    this.layout = layout;
    this.bigEndian = file.from(0).startsWith("MM");
  }

  /// Fills `tile` with the first rows of tile number `index`, as if it had not been compressed.
  ///
  /// @param rows how many of them are in the image
  void read(int index, int rows, byte[] tile) {
    int size = Math.toIntExact(layout.tileRowBytes() * rows);
    ByteReader data = data(index, size);
    switch (layout.compression()) {
      case LZW -> TiffLzw.decode(data, tile, size);
      case DEFLATE, OLD_DEFLATE -> inflate(data, tile, size);
      case PACK_BITS -> unpack(data, tile, size);
      default -> data.read(tile, size);
    }
    if (layout.differenced() && layout.compression() != TiffLayout.UNCOMPRESSED) {
      sum(tile, rows);
    }
  }

  /// The compressed bytes, their bits in order. What the file says of their number is not needed
  /// where nothing is compressed.
  private ByteReader data(int index, int size) {
    boolean strips = page.has(TiffDirectory.STRIP_OFFSETS);
    int offsets = strips ? TiffDirectory.STRIP_OFFSETS : TiffDirectory.TILE_OFFSETS;
    int counts = strips ? TiffDirectory.STRIP_BYTES : TiffDirectory.TILE_BYTES;
    ByteReader data = file.from(page.at(offsets, index));
    long count = data.remaining();
    if (layout.compression() == TiffLayout.UNCOMPRESSED) {
      count = size;
    } else if (index < page.count(counts)) {
      count = Math.min(count, page.at(counts, index));
    }
    data = data.slice(count);
    return layout.lowBitFirst() ? data.withBitsReversed() : data;
  }

  private static void inflate(ByteReader data, byte[] tile, int size) {
    Inflater inflater = new Inflater();
    try {
      inflater.setInput(data.buffer());
      int done = 0;
      while (done < size) {
        int count = inflater.inflate(tile, done, size - done);
        if (count == 0) {
          throw tooShort();
        }
        done += count;
      }
    } catch (DataFormatException e) {
      throw Refusals.undecodable(TIFF, e);
    } finally {
      inflater.end();
    }
  }

  /// Runs of Macintosh PackBits: a count and that many bytes, or a negative count and one byte.
  private static void unpack(ByteReader data, byte[] tile, int size) {
    int done = 0;
    while (done < size) {
      int head = (byte) data.u8();
      if (head >= 0) {
        for (int left = Math.min(head + 1, size - done); left > 0; left--) {
          tile[done++] = (byte) data.u8();
        }
      } else if (head != -128) {
        byte value = (byte) data.u8();
        for (int left = Math.min(1 - head, size - done); left > 0; left--) {
          tile[done++] = value;
        }
      }
    }
  }

  static RuntimeException tooShort() {
    return Refusals.damaged(TIFF, "image data", "too short", "every pixel");
  }

  /// Turns differences back into samples, row by row.
  private void sum(byte[] tile, int rows) {
    int bytes = layout.bits() / 8;
    int step = layout.samplesTogether() * bytes;
    int row = Math.toIntExact(layout.tileRowBytes());
    for (int start = 0; start < rows * row; start += row) {
      for (int at = start + step; at < start + row; at += bytes) {
        if (bytes == 1) {
          tile[at] += tile[at - step];
        } else {
          int high = bigEndian ? 0 : 1;
          int sum = wide(tile, at, high) + wide(tile, at - step, high);
          tile[at + high] = (byte) (sum >> 8);
          tile[at + 1 - high] = (byte) sum;
        }
      }
    }
  }

  private static int wide(byte[] tile, int at, int high) {
    return (tile[at + high] & 0xFF) << 8 | tile[at + 1 - high] & 0xFF;
  }

  /// A sample of a row as 8 bits: the high byte of 16 where it is a colour, cut off at 255 where it
  /// is grey, as Pillow does.
  int sample(byte[] tile, int rowStart, int index) {
    if (layout.bits() < 16) {
      return PackedSamples.get(tile, rowStart, index, layout.bits()) & 0xFF;
    }
    int sample = wide(tile, rowStart + 2 * index, bigEndian ? 0 : 1);
    return layout.colours().samples() > 1 ? sample >> 8 : Math.min(255, sample);
  }
}
