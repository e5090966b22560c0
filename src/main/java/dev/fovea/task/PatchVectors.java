package dev.fovea.task;

import java.util.Arrays;

/// One vector for each patch of an image.
///
/// @param grid where the patches are
/// @param dimension components of a vector
/// @param components the vectors one after the other, in the order of the grid; shared, so nobody
///   may write
public record PatchVectors(GridOnImage grid, int dimension, float[] components) {
  /// The vector of one patch, in a new array.
  float[] vector(int cell) {
    return Arrays.copyOfRange(components, cell * dimension, (cell + 1) * dimension);
  }
}
