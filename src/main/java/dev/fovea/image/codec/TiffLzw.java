package dev.fovea.image.codec;

/// The compression of TIFF that GIF's is a cousin of: codes with their high bits first, which grow
/// one code early.
final class TiffLzw {
  private static final int FIRST_BITS = 9;
  private static final int MOST_BITS = 12;
  private static final int TABLE = 1 << MOST_BITS;
  private static final int CLEAR = 256;
  private static final int END = 257;
  private static final int NONE = -1;

  /// Memory of the tables of one decoder.
  static final long TABLE_BYTES = TABLE * (4L + 4 + 1 + 1);

  private final int[] prefix = new int[TABLE];
  private final int[] length = new int[TABLE];
  private final byte[] first = new byte[TABLE];
  private final byte[] last = new byte[TABLE];
  private final ByteReader data;
  private int pending;
  private int pendingBits;

  private TiffLzw(ByteReader data) {
    this.data = data;
    for (int value = 0; value < CLEAR; value++) {
      length[value] = 1;
      first[value] = (byte) value;
      last[value] = (byte) value;
    }
  }

  /// Fills the first `size` bytes of `out`. What the data holds beyond them is not looked at.
  static void decode(ByteReader data, byte[] out, int size) {
    new TiffLzw(data).decode(out, size);
  }

  private void decode(byte[] out, int size) {
    int next = END + 1;
    int bits = FIRST_BITS;
    int previous = NONE;
    for (int done = 0; done < size; ) {
      int code = readCode(bits);
      if (code == CLEAR) {
        next = END + 1;
        bits = FIRST_BITS;
        previous = NONE;
        continue;
      }
      if (code == END) {
        throw TiffTiles.tooShort();
      }
      int bound = previous == NONE ? CLEAR - 1 : next;
      if (code > bound) {
        throw Refusals.damaged(data.format(), "code", code, "at most " + bound);
      }
      if (previous != NONE && next < TABLE) {
        prefix[next] = previous;
        length[next] = length[previous] + 1;
        first[next] = first[previous];
        last[next] = first[code == next ? previous : code];
        next++;
        if (next == (1 << bits) - 1 && bits < MOST_BITS) {
          bits++;
        }
      }
      done += write(code, out, done, size);
      previous = code;
    }
  }

  /// Writes the run that `code` stands for, as far as there is room.
  private int write(int code, byte[] out, int from, int size) {
    int run = length[code];
    int at = code;
    for (int i = from + run - 1; i >= from; i--, at = prefix[at]) {
      if (i < size) {
        out[i] = last[at];
      }
    }
    return run;
  }

  private int readCode(int bits) {
    while (pendingBits < bits) {
      if (data.remaining() == 0) {
        throw TiffTiles.tooShort();
      }
      pending = pending << 8 | data.u8();
      pendingBits += 8;
    }
    pendingBits -= bits;
    return pending >> pendingBits & (1 << bits) - 1;
  }
}
