package dev.fovea.image.codec;

/// One frame of a GIF file: where it lies on the screen and what its colours are, the compressed
/// indices left where they are.
///
/// @param left pixels from the left of the screen
/// @param top rows from the top of the screen
/// @param width pixels a row, > 0
/// @param height rows, > 0
/// @param interlaced whether rows are stored every eighth first
/// @param transparentIndex the index that is not painted; -1 where there is none
/// @param colours 256 colours as 0xAARRGGBB
/// @param data a reader at the code size that the compressed indices begin with
record GifFrame(
    int left,
    int top,
    int width,
    int height,
    boolean interlaced,
    int transparentIndex,
    int[] colours,
    ByteReader data) {

  /// The rows in the order they are stored in.
  int[] rowOrder() {
    int[] order = new int[height];
    int next = 0;
    if (!interlaced) {
      for (int row = 0; row < height; row++) {
        order[next++] = row;
      }
      return order;
    }
    int[][] passes = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    for (int[] pass : passes) {
      for (int row = pass[0]; row < height; row += pass[1]) {
        order[next++] = row;
      }
    }
    return order;
  }
}
