package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.Tensor;

/// Writes a picture as planes: all of red, all of green, all of blue (NCHW). A picture that is cut
/// into tiles becomes the planes of each tile, tile after tile in raster order.
final class PlaneSink implements RowSink {
  private final Tensor out;
  private final ValueTable table;
  private final Scratch scratch;
  private final int firstTile;
  private final int columns;
  private final int tileWidth;
  private final int tileHeight;

  /// @param firstTile which tile of the tensor the first one of the picture is
  /// @param columns tiles from left to right
  PlaneSink(
      Tensor out,
      ValueTable table,
      Scratch scratch,
      int firstTile,
      int columns,
      int tileWidth,
      int tileHeight) {
    this.out = out;
    this.table = table;
    this.scratch = scratch;
    this.firstTile = firstTile;
    this.columns = columns;
    this.tileWidth = tileWidth;
    this.tileHeight = tileHeight;
  }

  @Override
  public void row(int y, byte[] rgb, int at) {
    int width = columns * tileWidth;
    table.planar(rgb, at, width, scratch);
    int tile = firstTile + y / tileHeight * columns;
    for (int column = 0; column < columns; column++, tile++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        long plane = (long) tile * CHANNELS + channel;
        long to = (plane * tileHeight + y % tileHeight) * tileWidth;
        int from = channel * width + column * tileWidth;
        table.copy(scratch, from, tileWidth, out.data(), to);
      }
    }
  }
}
