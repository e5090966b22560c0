package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// How the samples of a TIFF page lie: in tiles, of which strips are the kind as wide as the image.
///
/// @param width pixels a row
/// @param height rows
/// @param bits of a sample: 1, 2, 4, 8 or 16
/// @param samples of a pixel, those that mean nothing included
/// @param colours what they mean
/// @param extra what the first sample behind the colours means: [#NO_EXTRA], or the value of
///   `ExtraSamples`
/// @param separate whether each sample has its own tiles
/// @param tileWidth pixels a row of a tile
/// @param tileHeight rows of a tile
/// @param compression the value of `Compression`
/// @param differenced whether a sample is stored as its difference from the one before
/// @param lowBitFirst whether the bits of a byte are in reverse
record TiffLayout(
    int width,
    int height,
    int bits,
    int samples,
    Colours colours,
    int extra,
    boolean separate,
    int tileWidth,
    int tileHeight,
    int compression,
    boolean differenced,
    boolean lowBitFirst) {

  /// What the samples of a pixel mean.
  enum Colours {
    WHITE_IS_ZERO(1),
    BLACK_IS_ZERO(1),
    RGB(3),
    PALETTE(1),
    CMYK(4);

    private final int samples;

    Colours(int samples) {
      this.samples = samples;
    }

    int samples() {
      return samples;
    }
  }

  static final int NO_EXTRA = -1;
  static final int MEANINGLESS = 0;
  static final int PREMULTIPLIED_ALPHA = 1;

  static final int UNCOMPRESSED = 1;
  static final int LZW = 5;
  static final int DEFLATE = 8;
  static final int OLD_DEFLATE = 32946;
  static final int PACK_BITS = 32773;

  private static final ImageFormat TIFF = ImageFormat.TIFF;
  private static final int MOST_SAMPLES = 6;
  private static final int TILE_ALWAYS_FINE = 1 << 20;

  static TiffLayout of(TiffDirectory page) {
    Colours colours = colours(page);
    int samples = samples(page, colours);
    int width = page.extent(TiffDirectory.WIDTH, 0);
    int height = page.extent(TiffDirectory.HEIGHT, 0);
    boolean tiled = !page.has(TiffDirectory.STRIP_OFFSETS) && page.has(TiffDirectory.TILE_OFFSETS);
    TiffLayout layout =
        new TiffLayout(
            width,
            height,
            bits(page, samples),
            samples,
            colours,
            extra(page, samples, colours),
            choice(page, TiffDirectory.PLANES, "planar configuration", 1, 2) == 2 && samples > 1,
            tiled ? page.extent(TiffDirectory.TILE_WIDTH, 0) : width,
            tiled
                ? page.extent(TiffDirectory.TILE_HEIGHT, 0)
                : (int) Math.min(height, rowsPerStrip(page, height)),
            compression(page),
            choice(page, TiffDirectory.PREDICTOR, "predictor", 1, 2) == 2,
            choice(page, TiffDirectory.FILL_ORDER, "fill order", 1, 2) == 2);
    layout.requireSense();
    return layout;
  }

  private static long rowsPerStrip(TiffDirectory page, int height) {
    long rows = page.value(TiffDirectory.ROWS_PER_STRIP, height);
    return rows < 1 ? height : rows;
  }

  private static Colours colours(TiffDirectory page) {
    long value = page.value(TiffDirectory.PHOTOMETRIC, 0);
    return switch ((int) value) {
      case 0 -> Colours.WHITE_IS_ZERO;
      case 1 -> Colours.BLACK_IS_ZERO;
      case 2 -> Colours.RGB;
      case 3 -> Colours.PALETTE;
      case 5 -> Colours.CMYK;
      default ->
          throw Refusals.unsupported(TIFF, "photometric interpretation", value, "0, 1, 2, 3 or 5");
    };
  }

  private static int compression(TiffDirectory page) {
    long value = page.value(TiffDirectory.COMPRESSION, UNCOMPRESSED);
    return switch ((int) value) {
      case UNCOMPRESSED, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS -> (int) value;
      default ->
          throw Refusals.unsupported(
              TIFF, "compression", value, "1 (none), 5 (LZW), 8 (deflate) or 32773 (PackBits)");
    };
  }

  private static int samples(TiffDirectory page, Colours colours) {
    long samples = page.value(TiffDirectory.SAMPLES, 1);
    if (samples < colours.samples() || samples > MOST_SAMPLES) {
      throw Refusals.unsupported(
          TIFF, "samples a pixel", samples, colours.samples() + ".." + MOST_SAMPLES);
    }
    return (int) samples;
  }

  private static int bits(TiffDirectory page, int samples) {
    int given = Math.min(samples, page.count(TiffDirectory.BITS));
    long bits = page.value(TiffDirectory.BITS, 1);
    for (int i = 1; i < given; i++) {
      if (page.at(TiffDirectory.BITS, i) != bits) {
        throw Refusals.unsupported(TIFF, "bits a sample", "not all equal", "all equal");
      }
    }
    for (int i = 0; i < page.count(TiffDirectory.SAMPLE_FORMAT) && i < samples; i++) {
      long format = page.at(TiffDirectory.SAMPLE_FORMAT, i);
      if (format != 1) {
        throw Refusals.unsupported(TIFF, "sample format", format, "1 (unsigned)");
      }
    }
    return (int) bits;
  }

  /// Samples beyond the colours; of red, green and blue a fourth that is not explained is alpha.
  private static int extra(TiffDirectory page, int samples, Colours colours) {
    if (samples == colours.samples()) {
      return NO_EXTRA;
    }
    if (!page.has(TiffDirectory.EXTRA_SAMPLES)) {
      return colours == Colours.RGB && samples == 4 ? 2 : MEANINGLESS;
    }
    return (int) page.at(TiffDirectory.EXTRA_SAMPLES, 0);
  }

  private static long choice(TiffDirectory page, int tag, String name, int first, int second) {
    long value = page.value(tag, first);
    if (value != first && value != second) {
      throw Refusals.unsupported(TIFF, name, value, first + " or " + second);
    }
    return value;
  }

  private void requireSense() {
    boolean fine =
        switch (colours) {
          case WHITE_IS_ZERO, BLACK_IS_ZERO ->
              bits == 8 || samples == 1 && (bits == 1 || bits == 2 || bits == 4 || bits == 16);
          case PALETTE -> bits == 8 || samples == 1 && (bits == 1 || bits == 2 || bits == 4);
          case RGB, CMYK -> bits == 8 || bits == 16;
        };
    if (!fine) {
      throw Refusals.unsupported(TIFF, "bits a sample", bits, "a depth that " + colours + " has");
    }
    if (differenced && bits < 8) {
      throw Refusals.unsupported(TIFF, "predictor", 2, "1 with " + bits + " bits a sample");
    }
    long most = Math.max(TILE_ALWAYS_FINE, 4L * width * height);
    if ((long) tileWidth * tileHeight > most) {
      throw Refusals.damaged(
          TIFF, "tile", tileWidth + "×" + tileHeight, "no larger than the image needs");
    }
  }

  /// Whether the sample behind the colours is alpha.
  boolean alpha() {
    return extra > MEANINGLESS;
  }

  /// Samples of a pixel that are looked at.
  int channels() {
    return colours.samples() + (alpha() ? 1 : 0);
  }

  /// Samples of a pixel that lie together.
  int samplesTogether() {
    return separate ? 1 : samples;
  }

  /// Bytes of a row of a tile.
  long tileRowBytes() {
    return ((long) tileWidth * samplesTogether() * bits + 7) / 8;
  }

  int tilesAcross() {
    return Math.ceilDiv(width, tileWidth);
  }

  int tilesDown() {
    return Math.ceilDiv(height, tileHeight);
  }
}
