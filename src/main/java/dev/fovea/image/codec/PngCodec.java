package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// Portable Network Graphics, every colour type and depth, interlaced or not.
///
/// As Pillow does it: colour profiles and gamma are ignored, 16-bit colour keeps its high byte, and
/// 16-bit grey is cut off at 255. Only the first picture of an animation is read. Checksums are not
/// verified: damage that matters shows in the compressed data, damage elsewhere does not matter.
final class PngCodec implements ImageCodec {
  private static final String SIGNATURE = "\u0089PNG\r\n\u001a\n";

  @Override
  public ImageFormat format() {
    return ImageFormat.PNG;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith(SIGNATURE);
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int frame) {
    PngFile png = PngFile.read(file);
    long pixels = (long) png.width() * png.height();
    return new ImageHeader(
        ImageFormat.PNG,
        png.width(),
        png.height(),
        png.orientation(),
        1,
        pixels * 3 + 2L * png.rowBytes(png.width()));
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    PngFile png = PngFile.read(file);
    byte[] rgb = new byte[png.width() * png.height() * 3];
    try (PngData data = new PngData(png)) {
      new PngRows(png, request.alpha(), rgb).read(data);
    }
    return new Pixels(png.width(), png.height(), rgb);
  }
}
