package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// Turns the inflated data of a PNG file into pixels: undoes the row filters, unpacks the samples,
/// and puts the pixels of each interlace pass where they belong.
final class PngRows {
  /// The pixels of a pass: every `columnStep`th of every `rowStep`th row, from a first one.
  private record Pass(int column, int row, int columnStep, int rowStep) {
    int width(int imageWidth) {
      return Math.ceilDiv(Math.max(0, imageWidth - column), columnStep);
    }
  }

  private static final Pass[] WHOLE = {new Pass(0, 0, 1, 1)};

  private static final Pass[] ADAM7 = {
    new Pass(0, 0, 8, 8),
    new Pass(4, 0, 8, 8),
    new Pass(0, 4, 4, 8),
    new Pass(2, 0, 4, 4),
    new Pass(0, 2, 2, 4),
    new Pass(1, 0, 2, 2),
    new Pass(0, 1, 1, 2)
  };

  private final PngFile png;
  private final Flattening alpha;
  private final byte[] rgb;
  private final int[] colours;
  private final long transparent;

  /// @param rgb takes the picture
  PngRows(PngFile png, Flattening alpha, byte[] rgb) {
    this.png = png;
    this.alpha = alpha;
    this.rgb = rgb;
    this.colours = PngColours.of(png);
    this.transparent = PngColours.transparentSample(png);
  }

  void read(PngData data) {
    for (Pass pass : png.interlaced() ? ADAM7 : WHOLE) {
      if (pass.width(png.width()) > 0) {
        readPass(pass, data);
      }
    }
  }

  private void readPass(Pass pass, PngData data) {
    int width = pass.width(png.width());
    int length = 1 + Math.toIntExact(png.rowBytes(width));
    byte[] line = new byte[length];
    byte[] previous = new byte[length];
    for (int y = pass.row; y < png.height(); y += pass.rowStep) {
      data.read(line, length);
      unfilter(line, previous);
      int at = (y * png.width() + pass.column) * 3;
      unpack(line, width, at, pass.columnStep * 3);
      byte[] done = line;
      line = previous;
      previous = done;
    }
  }

  /// Adds to each byte what its filter predicted from the pixel to the left, above, or both (PNG
  /// specification, section 9). The first byte names the filter.
  private void unfilter(byte[] line, byte[] above) {
    int pixel = Math.max(1, png.bitsPerPixel() / 8);
    switch (line[0]) {
      case 0 -> {}
      case 1 -> addLeft(line, pixel);
      case 2 -> addAbove(line, above);
      case 3 -> addAverage(line, above, pixel);
      case 4 -> addPaeth(line, above, pixel);
      default -> throw Refusals.damaged(ImageFormat.PNG, "row filter", line[0] & 0xFF, "0..4");
    }
  }

  private static void addLeft(byte[] line, int pixel) {
    for (int i = 1 + pixel; i < line.length; i++) {
      line[i] += line[i - pixel];
    }
  }

  private static void addAbove(byte[] line, byte[] above) {
    for (int i = 1; i < line.length; i++) {
      line[i] += above[i];
    }
  }

  private static void addAverage(byte[] line, byte[] above, int pixel) {
    for (int i = 1; i < line.length; i++) {
      int left = i > pixel ? line[i - pixel] & 0xFF : 0;
      line[i] += (byte) (left + (above[i] & 0xFF) >> 1);
    }
  }

  private static void addPaeth(byte[] line, byte[] above, int pixel) {
    for (int i = 1; i < Math.min(1 + pixel, line.length); i++) {
      line[i] += above[i];
    }
    for (int i = 1 + pixel; i < line.length; i++) {
      line[i] += paeth(line[i - pixel] & 0xFF, above[i] & 0xFF, above[i - pixel] & 0xFF);
    }
  }

  /// Whichever of the three is nearest to left + above - corner.
  private static byte paeth(int left, int above, int corner) {
    int toLeft = Math.abs(above - corner);
    int toAbove = Math.abs(left - corner);
    int toCorner = Math.abs(left + above - 2 * corner);
    if (toLeft <= toAbove && toLeft <= toCorner) {
      return (byte) left;
    }
    return (byte) (toAbove <= toCorner ? above : corner);
  }

  private void unpack(byte[] line, int width, int at, int step) {
    boolean wide = png.depth() == 16;
    switch (png.colourType()) {
      case PngFile.GREY, PngFile.PALETTE -> {
        if (wide) {
          unpackWideGrey(line, width, at, step);
        } else {
          unpackIndexed(line, width, at, step);
        }
      }
      case PngFile.GREY_ALPHA -> unpackGreyAlpha(line, width, at, step, wide ? 2 : 1);
      case PngFile.COLOUR -> unpackColour(line, width, at, step, wide ? 2 : 1);
      default -> unpackColourAlpha(line, width, at, step, wide ? 2 : 1);
    }
  }

  private void unpackIndexed(byte[] line, int width, int at, int step) {
    for (int x = 0; x < width; x++, at += step) {
      alpha.put(rgb, at, colours[PackedSamples.get(line, 1, x, png.depth())]);
    }
  }

  /// What exceeds 255 is cut off, as when Pillow makes RGB of its mode `I;16`.
  private void unpackWideGrey(byte[] line, int width, int at, int step) {
    for (int x = 0, i = 1; x < width; x++, i += 2, at += step) {
      int sample = wide(line, i);
      int grey = Math.min(255, sample);
      alpha.put(rgb, at, grey, grey, grey, sample == transparent ? 0 : 255);
    }
  }

  private void unpackGreyAlpha(byte[] line, int width, int at, int step, int size) {
    for (int x = 0, i = 1; x < width; x++, i += 2 * size, at += step) {
      int grey = line[i] & 0xFF;
      alpha.put(rgb, at, grey, grey, grey, line[i + size] & 0xFF);
    }
  }

  private void unpackColour(byte[] line, int width, int at, int step, int size) {
    if (step == 3 && size == 1 && alpha.dropsAlpha()) {
      System.arraycopy(line, 1, rgb, at, width * 3);
      return;
    }
    for (int x = 0, i = 1; x < width; x++, i += 3 * size, at += step) {
      boolean hidden = transparent >= 0 && colour(line, i, size) == transparent;
      alpha.put(
          rgb,
          at,
          line[i] & 0xFF,
          line[i + size] & 0xFF,
          line[i + 2 * size] & 0xFF,
          hidden ? 0 : 255);
    }
  }

  private void unpackColourAlpha(byte[] line, int width, int at, int step, int size) {
    for (int x = 0, i = 1; x < width; x++, i += 4 * size, at += step) {
      alpha.put(
          rgb,
          at,
          line[i] & 0xFF,
          line[i + size] & 0xFF,
          line[i + 2 * size] & 0xFF,
          line[i + 3 * size] & 0xFF);
    }
  }

  /// Red, green and blue samples packed 16 bits each, as [PngColours#transparentSample] packs them.
  private static long colour(byte[] line, int i, int size) {
    return size == 2
        ? (long) wide(line, i) << 32 | (long) wide(line, i + 2) << 16 | wide(line, i + 4)
        : (line[i] & 0xFFL) << 32 | (line[i + 1] & 0xFFL) << 16 | line[i + 2] & 0xFFL;
  }

  private static int wide(byte[] line, int i) {
    return (line[i] & 0xFF) << 8 | line[i + 1] & 0xFF;
  }
}
