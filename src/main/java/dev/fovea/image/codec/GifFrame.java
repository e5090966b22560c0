package dev.fovea.image.codec;

/// One frame of a GIF file: where it lies on the screen and what its colours are, the compressed
/// indices left where they are.
///
/// @param left pixels from the left of the screen
/// @param top rows from the top of the screen
/// @param width pixels a row, > 0
/// @param height rows, > 0
/// @param interlaced whether rows are stored every eighth first
/// @param control how it is painted
/// @param palette its own, or the one of the file
/// @param data a reader at the code size that the compressed indices begin with
record GifFrame(
    int left,
    int top,
    int width,
    int height,
    boolean interlaced,
    Control control,
    GifPalette palette,
    ByteReader data) {

  /// How a frame is painted and what becomes of it.
  ///
  /// @param transparentIndex the index that is not painted; -1 where there is none
  /// @param disposal what its place looks like before the next frame: 0 as the frame before had it,
  ///   1 left, 2 cleared, 3 and above as it was before
  record Control(int transparentIndex, int disposal) {}

  int transparentIndex() {
    return control.transparentIndex();
  }

  long area() {
    return (long) width * height;
  }

  /// The indices in reading order.
  byte[] indices() {
    byte[] stored = new byte[width * height];
    LzwDecoder.decode(data.from(data.position()), stored);
    if (!interlaced) {
      return stored;
    }
    byte[] indices = new byte[stored.length];
    int[][] passes = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    int next = 0;
    for (int[] pass : passes) {
      for (int row = pass[0]; row < height; row += pass[1], next += width) {
        System.arraycopy(stored, next, indices, row * width, width);
      }
    }
    return indices;
  }
}
