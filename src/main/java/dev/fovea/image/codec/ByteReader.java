package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Reads the bytes of one image file from front to back. Reading past the end is the refusal of a
/// file that was cut short. Leaves the buffer's own position alone.
final class ByteReader {
  private static final int MAX_TEXT = 1 << 20;

  private final ImageFormat format;
  private final ByteBuffer bytes;
  private final int start;
  private final int end;
  private int position;
  private boolean bigEndian;

  private ByteReader(ImageFormat format, ByteBuffer bytes, int start, int end, boolean bigEndian) {
    this.format = format;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.position = start;
    this.bigEndian = bigEndian;
  }

  /// A reader of what lies between position and limit, high bytes first.
  static ByteReader of(ImageFormat format, ByteBuffer bytes) {
    return new ByteReader(format, bytes, bytes.position(), bytes.limit(), true);
  }

  /// Numbers of two and four bytes have their low byte first from here on.
  void littleEndian() {
    bigEndian = false;
  }

  ImageFormat format() {
    return format;
  }

  /// Bytes from the start of the file to the next one read.
  int position() {
    return position - start;
  }

  int remaining() {
    return end - position;
  }

  int size() {
    return end - start;
  }

  /// Goes to `position` bytes from the start.
  void seek(long position) {
    if (position < 0 || position > size()) {
      throw cutShort(position);
    }
    this.position = start + (int) position;
  }

  void skip(long count) {
    seek(position() + count);
  }

  int u8() {
    require(1);
    return bytes.get(position++) & 0xFF;
  }

  int u16() {
    int first = u8();
    int second = u8();
    return bigEndian ? first << 8 | second : second << 8 | first;
  }

  int u24() {
    int first = u8();
    int second = u8();
    int third = u8();
    return bigEndian ? first << 16 | second << 8 | third : third << 16 | second << 8 | first;
  }

  long u32() {
    long first = u16();
    long second = u16();
    return bigEndian ? first << 16 | second : second << 16 | first;
  }

  long u64() {
    long first = u32();
    long second = u32();
    return bigEndian ? first << 32 | second : second << 32 | first;
  }

  /// The next `count` bytes as a reader of their own.
  ByteReader slice(long count) {
    require(count);
    ByteReader slice = new ByteReader(format, bytes, position, position + (int) count, bigEndian);
    position += (int) count;
    return slice;
  }

  /// A reader of its own of everything from `position` bytes after the start.
  ByteReader from(long position) {
    ByteReader from = new ByteReader(format, bytes, start, end, bigEndian);
    from.seek(position);
    return from;
  }

  /// The next byte; does not pass over it.
  int peek() {
    require(1);
    return bytes.get(position) & 0xFF;
  }

  /// Goes behind the next byte that is `value`, or to the end where there is none.
  ///
  /// @return whether there was one
  boolean skipPast(int value) {
    while (position < end) {
      if ((bytes.get(position++) & 0xFF) == value) {
        return true;
      }
    }
    return false;
  }

  /// Whether the next bytes are those of `ascii`; reads nothing.
  boolean startsWith(String ascii) {
    if (remaining() < ascii.length()) {
      return false;
    }
    for (int i = 0; i < ascii.length(); i++) {
      if ((bytes.get(position + i) & 0xFF) != ascii.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /// The next `count` bytes, copied.
  byte[] bytes(int count) {
    require(count);
    byte[] copy = new byte[count];
    read(copy, count);
    return copy;
  }

  /// Copies the next `count` bytes to the front of `target`.
  void read(byte[] target, int count) {
    require(count);
    bytes.get(position, target, 0, count);
    position += count;
  }

  /// All that is left, not copied.
  ByteBuffer buffer() {
    return bytes.slice(position, remaining());
  }

  /// A copy of all that is left, the bits of every byte in reverse.
  ByteReader withBitsReversed() {
    byte[] copy = bytes(remaining());
    for (int i = 0; i < copy.length; i++) {
      copy[i] = (byte) (Integer.reverse(copy[i]) >>> 24);
    }
    return new ByteReader(format, ByteBuffer.wrap(copy), 0, copy.length, bigEndian);
  }

  /// All that is left, as text of one byte a character; no more than its first mebibyte.
  String text() {
    return new String(bytes(Math.min(remaining(), MAX_TEXT)), StandardCharsets.ISO_8859_1);
  }

  private void require(long count) {
    if (count < 0 || count > remaining()) {
      throw cutShort(position() + count);
    }
  }

  private RuntimeException cutShort(long needed) {
    return Refusals.damaged(format, "size", size() + " bytes", "at least " + needed);
  }
}
