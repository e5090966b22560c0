package dev.fovea.image;

/// How an image is cut into square patches.
///
/// @param rows patches from top to bottom, > 0
/// @param columns patches from left to right, > 0
public record PatchGrid(int rows, int columns) {
  private static final double EPSILON = 1e-5;
  private static final double LARGEST_SCALE = 100;

  /// The grid of SigLIP 2 NaFlex (`get_image_size_for_max_num_patches` of transformers): the
  /// largest scale, found by bisection, at which both sides rounded up to whole patches give no
  /// more than `maxPatches`. The bisection is part of the definition: a closed form picks other
  /// grids at the edges.
  static PatchGrid naFlex(int width, int height, int patchSize, int maxPatches) {
    double low = EPSILON / 10;
    double high = LARGEST_SCALE;
    while (high - low >= EPSILON) {
      double scale = (low + high) / 2;
      if (at(scale, width, height, patchSize).patches() <= maxPatches) {
        low = scale;
      } else {
        high = scale;
      }
    }
    return at(low, width, height, patchSize);
  }

  private static PatchGrid at(double scale, int width, int height, int patchSize) {
    return new PatchGrid(along(height * scale, patchSize), along(width * scale, patchSize));
  }

  private static int along(double side, int patchSize) {
    return Math.max(1, (int) Math.ceil(side / patchSize));
  }

  /// This grid with no side longer than `maxSide` patches.
  PatchGrid cappedAt(int maxSide) {
    return new PatchGrid(Math.min(rows, maxSide), Math.min(columns, maxSide));
  }

  /// How many there are.
  public long patches() {
    return (long) rows * columns;
  }
}
