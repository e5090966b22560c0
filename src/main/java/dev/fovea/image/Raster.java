package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/// A rectangle of pixels within a larger picture, or within a frame of one colour that is as good
/// as there: it is not stored, for the square around a panorama may be a hundred times its size.
///
/// @param memory holds the pixels: an array, or memory outside the heap
/// @param at where the first one begins
/// @param stride bytes from one row to the next
/// @param innerWidth pixels a row that are stored
/// @param innerHeight rows that are stored
/// @param frame around them
record Raster(
    MemorySegment memory, int at, int stride, int innerWidth, int innerHeight, Frame frame) {
  /// The pixels around an image.
  ///
  /// @param left columns before it
  /// @param top rows above it
  /// @param width of image and frame
  /// @param height of image and frame
  /// @param red level of the frame's colour
  /// @param green level of the frame's colour
  /// @param blue level of the frame's colour
  record Frame(int left, int top, int width, int height, byte red, byte green, byte blue) {}

  static Raster of(Pixels pixels) {
    return of(pixels.memory(), pixels.width(), pixels.height());
  }

  /// @param rgb may be larger than the image at its beginning
  static Raster of(byte[] rgb, int width, int height) {
    return of(MemorySegment.ofArray(rgb), width, height);
  }

  private static Raster of(MemorySegment memory, int width, int height) {
    return new Raster(memory, 0, width * CHANNELS, width, height, none(width, height));
  }

  private static Frame none(int width, int height) {
    return new Frame(0, 0, width, height, (byte) 0, (byte) 0, (byte) 0);
  }

  int width() {
    return frame.width();
  }

  int height() {
    return frame.height();
  }

  private boolean isFramed() {
    return innerWidth != width() || innerHeight != height();
  }

  /// Whether every row lies in [#array]; if not, rows are copied to be read.
  boolean isArray() {
    return !isFramed() && memory.heapBase().isPresent();
  }

  byte[] array() {
    return (byte[]) memory.heapBase().orElseThrow();
  }

  /// A rectangle of this one, which must have no frame.
  Raster part(int left, int top, int width, int height) {
    int from = at + top * stride + left * CHANNELS;
    return new Raster(memory, from, stride, width, height, none(width, height));
  }

  /// The smallest square around this image, itself in the middle; where that cannot be, one pixel
  /// further up or left.
  Raster squared(int red, int green, int blue) {
    int side = Math.max(innerWidth, innerHeight);
    Frame square =
        new Frame(
            (side - innerWidth) / 2,
            (side - innerHeight) / 2,
            side,
            side,
            (byte) red,
            (byte) green,
            (byte) blue);
    return new Raster(memory, at, stride, innerWidth, innerHeight, square);
  }

  /// Writes whole rows, frame included, one behind the other.
  void copyRows(int from, int to, byte[] out) {
    int outAt = 0;
    for (int y = from; y < to; y++, outAt += width() * CHANNELS) {
      int inner = y - frame.top();
      if (inner < 0 || inner >= innerHeight) {
        fill(out, outAt, width());
        continue;
      }
      int bytes = innerWidth * CHANNELS;
      int innerAt = outAt + frame.left() * CHANNELS;
      fill(out, outAt, frame.left());
      long source = at + (long) inner * stride;
      MemorySegment.copy(memory, JAVA_BYTE, source, out, innerAt, bytes);
      fill(out, innerAt + bytes, width() - frame.left() - innerWidth);
    }
  }

  private void fill(byte[] out, int at, int pixels) {
    for (int i = at; i < at + pixels * CHANNELS; i += CHANNELS) {
      out[i] = frame.red();
      out[i + 1] = frame.green();
      out[i + 2] = frame.blue();
    }
  }
}
