package dev.fovea.rpc;

import dev.fovea.task.GridOnImage;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.RelevanceMap;

/// Writes grids that lie on images.
final class GridWriter {
  private GridWriter() {}

  static GridGeometry geometry(GridOnImage grid) {
    return GridGeometry.newBuilder()
        .setRows(grid.rows())
        .setColumns(grid.columns())
        .setBox(ReplyWriter.pixelBox(grid.image().region()))
        .setOrientedWidth(grid.image().orientedWidth())
        .setOrientedHeight(grid.image().orientedHeight())
        .build();
  }

  /// A map with its scores and the first cell that has the greatest.
  static RelevanceMap.Builder map(GridOnImage grid, float[] scores) {
    RelevanceMap.Builder map = RelevanceMap.newBuilder();
    int best = 0;
    for (int cell = 0; cell < scores.length; cell++) {
      map.addScores(scores[cell]);
      best = scores[cell] > scores[best] ? cell : best;
    }
    return map.setBestScore(scores[best])
        .setBestRow(best / grid.columns())
        .setBestColumn(best % grid.columns());
  }
}
