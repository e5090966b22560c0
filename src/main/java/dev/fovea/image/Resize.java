package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
import dev.fovea.kernel.Taps;

/// Resizes images to the byte as `PIL.Image.resize` does (Pillow 12.2 and later): rows first into
/// an 8-bit intermediate, then columns, and the other way round for very tall images.
final class Resize {
  /// A shrinking image that is taller than this many times its width is resized by columns first.
  private static final int TALL = 100;

  private final ResampleFilter filter;
  private final Resampler resampler;
  private final TapsCache taps = new TapsCache();

  Resize(ResampleFilter filter, Resampler resampler) {
    this.filter = filter;
    this.resampler = resampler;
  }

  /// The image at another size; the same object where the size is the same already.
  Pixels resize(Pixels image, int width, int height) {
    if (image.width() == width) {
      return image.height() == height ? image : toHeight(image, height);
    }
    if (image.height() == height) {
      return toWidth(image, width);
    }
    boolean tall = image.height() > (long) TALL * image.width();
    return tall && height < image.height()
        ? toWidth(toHeight(image, height), width)
        : toWidthThenHeight(image, width, height);
  }

  private Pixels toWidth(Pixels image, int width) {
    return new Pixels(width, image.height(), resizedRows(image, width, 0, image.height()));
  }

  private Pixels toHeight(Pixels image, int height) {
    Taps columns = taps.get(filter, image.height(), height);
    return resizedColumns(image.rgb(), 0, image.width(), columns);
  }

  /// Resizes only those rows that a column reads.
  private Pixels toWidthThenHeight(Pixels image, int width, int height) {
    Taps columns = taps.get(filter, image.height(), height);
    byte[] rows = resizedRows(image, width, columns.first(0), columns.end());
    return resizedColumns(rows, columns.first(0), width, columns);
  }

  private byte[] resizedRows(Pixels image, int width, int from, int to) {
    byte[] out = new byte[Math.multiplyExact((to - from) * CHANNELS, width)];
    Taps row = taps.get(filter, image.width(), width);
    resampler.horizontal(image.rgb(), from * image.width() * CHANNELS, to - from, row, out);
    return out;
  }

  private Pixels resizedColumns(byte[] rows, int firstRow, int width, Taps columns) {
    byte[] out = new byte[columns.outSize() * width * CHANNELS];
    resampler.vertical(rows, firstRow, width * CHANNELS, columns, out);
    return new Pixels(width, columns.outSize(), out);
  }
}
