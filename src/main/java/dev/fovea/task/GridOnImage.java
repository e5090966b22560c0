package dev.fovea.task;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.PatchGrid;
import dev.fovea.tensor.Tensor;
import java.util.Arrays;

/// How a grid lies on an image: it covers the region that was looked at with cells of equal size,
/// row by row.
///
/// @param rows cells from top to bottom
/// @param columns cells from left to right
/// @param image what was seen of the image
public record GridOnImage(int rows, int columns, Embedding.ImageFacts image) {
  /// The grid of the patches that an encoder was given.
  static GridOnImage ofPatches(EncodeItems.Prepared prepared) {
    PatchGrid grid = prepared.grid().orElseThrow();
    return new GridOnImage(grid.rows(), grid.columns(), (Embedding.ImageFacts) prepared.facts());
  }

  /// This grid with each cell cut into so many rows and columns.
  GridOnImage finer(int factor) {
    return new GridOnImage(rows * factor, columns * factor, image);
  }

  /// How many cells there are.
  public int cells() {
    return rows * columns;
  }

  /// The vectors of the cells in a model's output, one a cell; those of the padding behind them are
  /// left out.
  ///
  /// @throws GatewayException with `BACKEND_ERROR` when there are fewer, or a number is not finite
  PatchVectors vectors(ModelAnswer answer, String output) {
    Tensor tensor = answer.tensor(output);
    if (tensor.shape().rank() != 2 || tensor.shape().extent(0) < cells()) {
      throw answer.unusable("with " + output + " " + tensor + " for " + cells() + " patches");
    }
    int dimension = Math.toIntExact(tensor.shape().extent(1));
    return new PatchVectors(
        this, dimension, Arrays.copyOf(answer.floats(output), cells() * dimension));
  }
}
