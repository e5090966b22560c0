package dev.fovea.image.codec;

import dev.fovea.image.Pixels;

/// Turns stored pixels upright by their EXIF orientation.
///
/// Where pixel (x, y) of the stored image goes is `origin + x × column + y × row`, in pixels of the
/// upright one.
///
/// @param width of the upright image
/// @param height of the upright image
/// @param origin where the first stored pixel goes
/// @param column from there to the next pixel of its row
/// @param row from there to the next pixel of its column
record Orientation(int width, int height, int origin, int column, int row) {
  private static final int CHANNELS = 3;

  /// Rows that are turned at a time: those of a transposed image become short runs in every row.
  private static final int STRIP = 16;

  private static Orientation of(int orientation, int width, int height) {
    int right = width - 1;
    int bottom = height - 1;
    return switch (orientation) {
      case 2 -> new Orientation(width, height, right, -1, width);
      case 3 -> new Orientation(width, height, bottom * width + right, -1, -width);
      case 4 -> new Orientation(width, height, bottom * width, 1, -width);
      case 5 -> new Orientation(height, width, 0, height, 1);
      case 6 -> new Orientation(height, width, bottom, height, -1);
      case 7 -> new Orientation(height, width, right * height + bottom, -height, -1);
      case 8 -> new Orientation(height, width, right * height, -height, 1);
      default -> new Orientation(width, height, 0, 1, width);
    };
  }

  /// The image as it is meant to be seen, in place of the stored one, which is closed; the same
  /// object where it is stored that way.
  ///
  /// @param orientation 1..8
  static Pixels upright(Pixels stored, int orientation) {
    if (orientation == Exif.UPRIGHT) {
      return stored;
    }
    try (stored) {
      return of(orientation, stored.width(), stored.height()).turn(stored);
    }
  }

  private Pixels turn(Pixels stored) {
    byte[] upright = new byte[CHANNELS * width * height];
    int stride = CHANNELS * stored.width();
    byte[] strip = new byte[STRIP * stride];
    for (int y = 0; y < stored.height(); y += STRIP) {
      int rows = Math.min(STRIP, stored.height() - y);
      for (int i = 0; i < rows; i++) {
        stored.copyRow(y + i, 0, stored.width(), strip, i * stride);
      }
      for (int x = 0; x < stored.width(); x++) {
        int from = CHANNELS * x;
        int to = CHANNELS * (origin + x * column + y * row);
        for (int i = 0; i < rows; i++, from += stride, to += CHANNELS * row) {
          upright[to] = strip[from];
          upright[to + 1] = strip[from + 1];
          upright[to + 2] = strip[from + 2];
        }
      }
    }
    return new Pixels(width, height, upright);
  }
}
