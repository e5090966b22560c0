package dev.fovea.image.codec;

import dev.fovea.image.Pixels;

/// Turns stored pixels upright by their EXIF orientation.
final class Orientation {
  private Orientation() {}

  /// The image as it is meant to be seen; the same object where it is stored that way.
  ///
  /// @param orientation 1..8
  static Pixels upright(Pixels stored, int orientation) {
    if (orientation == Exif.UPRIGHT) {
      return stored;
    }
    boolean transposed = orientation >= 5;
    int width = transposed ? stored.height() : stored.width();
    int height = transposed ? stored.width() : stored.height();
    byte[] from = stored.rgb();
    byte[] to = new byte[from.length];
    int at = 0;
    for (int y = 0; y < height; y++) {
      int source = source(0, y, stored, orientation) * 3;
      int step = width == 1 ? 0 : source(1, y, stored, orientation) * 3 - source;
      for (int x = 0; x < width; x++, at += 3, source += step) {
        to[at] = from[source];
        to[at + 1] = from[source + 1];
        to[at + 2] = from[source + 2];
      }
    }
    return new Pixels(width, height, to);
  }

  /// The stored pixel that is seen at column `x` of row `y`.
  private static int source(int x, int y, Pixels stored, int orientation) {
    int right = stored.width() - 1;
    int bottom = stored.height() - 1;
    return switch (orientation) {
      case 2 -> index(right - x, y, stored);
      case 3 -> index(right - x, bottom - y, stored);
      case 4 -> index(x, bottom - y, stored);
      case 5 -> index(y, x, stored);
      case 6 -> index(y, bottom - x, stored);
      case 7 -> index(right - y, bottom - x, stored);
      case 8 -> index(right - y, x, stored);
      default -> index(x, y, stored);
    };
  }

  private static int index(int column, int row, Pixels stored) {
    return row * stored.width() + column;
  }
}
