package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// Windows and OS/2 bitmaps: palettes, 16, 24 and 32 bits, bit fields, run lengths.
final class BmpCodec implements ImageCodec {
  @Override
  public ImageFormat format() {
    return ImageFormat.BMP;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("BM");
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int frame) {
    BmpFile bmp = BmpFile.read(file);
    long pixels = (long) bmp.width() * bmp.height();
    return new ImageHeader(ImageFormat.BMP, bmp.width(), bmp.height(), Exif.UPRIGHT, 1, 4 * pixels);
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    BmpFile bmp = BmpFile.read(file);
    byte[] rgb = new byte[bmp.width() * bmp.height() * 3];
    switch (bmp.compression()) {
      case BmpFile.RUNS_OF_BYTES, BmpFile.RUNS_OF_NIBBLES ->
          paint(bmp, BmpRuns.decode(bmp), rgb, request.alpha());
      default -> readRows(bmp, rgb, request.alpha());
    }
    return new Pixels(bmp.width(), bmp.height(), rgb);
  }

  private static void paint(BmpFile bmp, byte[] indices, byte[] rgb, Flattening alpha) {
    int[] colours = bmp.colours();
    int next = 0;
    for (int stored = 0; stored < bmp.height(); stored++) {
      int at = rowStart(bmp, stored);
      for (int x = 0; x < bmp.width(); x++, at += 3) {
        alpha.put(rgb, at, colours[indices[next++] & 0xFF]);
      }
    }
  }

  private static void readRows(BmpFile bmp, byte[] rgb, Flattening alpha) {
    ByteReader data = bmp.data();
    int used = Math.toIntExact(((long) bmp.width() * bmp.bits() + 7) / 8);
    byte[] line = new byte[used];
    int[] colours = bmp.colours();
    BmpMasks masks = BmpMasks.of(bmp);
    for (int stored = 0; stored < bmp.height(); stored++) {
      data.read(line, used);
      data.skip(Math.min(bmp.stride() - used, data.remaining()));
      int at = rowStart(bmp, stored);
      for (int x = 0; x < bmp.width(); x++, at += 3) {
        int argb =
            bmp.bits() <= 8
                ? colours[PackedSamples.get(line, 0, x, bmp.bits())]
                : masks.argb(pixel(line, x, bmp.bits() / 8));
        alpha.put(rgb, at, argb);
      }
    }
  }

  private static int pixel(byte[] line, int x, int bytes) {
    int pixel = 0;
    for (int i = bytes - 1; i >= 0; i--) {
      pixel = pixel << 8 | line[x * bytes + i] & 0xFF;
    }
    return pixel;
  }

  private static int rowStart(BmpFile bmp, int stored) {
    int row = bmp.topDown() ? stored : bmp.height() - 1 - stored;
    return row * bmp.width() * 3;
  }
}
