package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// The compression of GIF: codes of growing length, each standing for a run of indices that was
/// seen before plus one.
final class LzwDecoder {
  private static final int MAX_CODE_BITS = 12;
  private static final int TABLE = 1 << MAX_CODE_BITS;

  /// Memory of the tables of one decoder.
  static final long TABLE_BYTES = TABLE * (4L + 4 + 1 + 1);

  private static final int MAX_INDEX_BITS = 8;
  private static final int NONE = -1;

  private final int[] prefix = new int[TABLE];
  private final int[] length = new int[TABLE];
  private final byte[] first = new byte[TABLE];
  private final byte[] last = new byte[TABLE];
  private final ByteReader data;
  private final int indexBits;
  private int blockBytes;
  private int bits;
  private int bitCount;

  private LzwDecoder(ByteReader data) {
    this.data = data;
    this.indexBits = data.u8();
    if (indexBits < 1 || indexBits > MAX_INDEX_BITS) {
      throw Refusals.damaged(ImageFormat.GIF, "code size", indexBits, "1..8");
    }
    for (int index = 0; index < 1 << indexBits; index++) {
      length[index] = 1;
      first[index] = (byte) index;
      last[index] = (byte) index;
    }
  }

  /// Fills `indices`. What the data holds beyond them is not looked at.
  ///
  /// @param data the code size, then the blocks of codes
  static void decode(ByteReader data, byte[] indices) {
    new LzwDecoder(data).decode(indices);
  }

  private void decode(byte[] indices) {
    int clear = 1 << indexBits;
    int next = clear + 2;
    int codeBits = indexBits + 1;
    int previous = NONE;
    for (int done = 0; done < indices.length; ) {
      int code = readCode(codeBits);
      if (code == clear) {
        next = clear + 2;
        codeBits = indexBits + 1;
        previous = NONE;
        continue;
      }
      requireKnown(code, clear, previous == NONE ? clear : next);
      if (previous != NONE && next < TABLE) {
        prefix[next] = previous;
        length[next] = length[previous] + 1;
        first[next] = first[previous];
        last[next] = first[code == next ? previous : code];
        next++;
        if (next == 1 << codeBits && codeBits < MAX_CODE_BITS) {
          codeBits++;
        }
      }
      done += write(code, indices, done);
      previous = code;
    }
  }

  private void requireKnown(int code, int clear, int bound) {
    if (code == clear + 1) {
      throw Refusals.damaged(ImageFormat.GIF, "image data", "too short", "every pixel");
    }
    if (code > bound) {
      throw Refusals.damaged(ImageFormat.GIF, "code", code, "at most " + bound);
    }
  }

  /// Writes the run that `code` stands for, as far as there is room.
  private int write(int code, byte[] indices, int from) {
    int run = length[code];
    int at = code;
    for (int i = from + run - 1; i >= from; i--, at = prefix[at]) {
      if (i < indices.length) {
        indices[i] = last[at];
      }
    }
    return run;
  }

  private int readCode(int codeBits) {
    while (bitCount < codeBits) {
      bits |= nextByte() << bitCount;
      bitCount += 8;
    }
    int code = bits & (1 << codeBits) - 1;
    bits >>>= codeBits;
    bitCount -= codeBits;
    return code;
  }

  private int nextByte() {
    if (blockBytes == 0) {
      blockBytes = data.u8();
      if (blockBytes == 0) {
        throw Refusals.damaged(ImageFormat.GIF, "image data", "too short", "every pixel");
      }
    }
    blockBytes--;
    return data.u8();
  }
}
