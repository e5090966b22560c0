package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// Tagged Image File Format, a page a frame: strips and tiles, LZW, deflate and PackBits, black and
/// white, grey, palettes, RGB and CMYK, with alpha or without, to 16 bits, BigTIFF too.
///
/// As Pillow does it: 16-bit colour keeps its high byte, 16-bit grey is cut off at 255 and not
/// inverted. Floating point, CIELAB, YCbCr, fax and JPEG inside TIFF are refused by name.
final class TiffCodec implements ImageCodec {
  @Override
  public ImageFormat format() {
    return ImageFormat.TIFF;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("II*\0")
        || file.startsWith("MM\0*")
        || file.startsWith("II+\0")
        || file.startsWith("MM\0+");
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int frame) {
    TiffDirectory.Pages pages = TiffDirectory.read(file, frame);
    TiffLayout layout = TiffLayout.of(pages.page());
    long pixels = (long) layout.width() * layout.height();
    long decodedBytes =
        pixels * (3 + layout.channels())
            + layout.tileRowBytes() * layout.tileHeight()
            + file.size()
            + TiffLzw.TABLE_BYTES;
    return new ImageHeader(
        ImageFormat.TIFF,
        layout.width(),
        layout.height(),
        orientation(pages.page()),
        pages.count(),
        decodedBytes);
  }

  private static int orientation(TiffDirectory page) {
    Exif exif = new Exif();
    page.text(TiffDirectory.XMP).ifPresent(exif::addXmp);
    if (page.has(TiffDirectory.ORIENTATION)) {
      exif.addOrientation(page.at(TiffDirectory.ORIENTATION, 0));
    }
    return exif.orientation();
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    TiffDirectory page = TiffDirectory.read(file, request.frame()).page();
    TiffLayout layout = TiffLayout.of(page);
    byte[] samples = samples(layout, new TiffTiles(file, page, layout));
    byte[] rgb = TiffColours.of(page, layout, request.alpha()).toRgb(samples);
    return new Pixels(layout.width(), layout.height(), rgb);
  }

  /// Every sample that is looked at, 8 bits each, pixel by pixel.
  private static byte[] samples(TiffLayout layout, TiffTiles tiles) {
    int channels = layout.channels();
    byte[] samples = new byte[layout.width() * layout.height() * channels];
    byte[] tile = new byte[Math.toIntExact(layout.tileRowBytes() * layout.tileHeight())];
    int planes = layout.separate() ? channels : 1;
    int index = 0;
    for (int plane = 0; plane < planes; plane++) {
      for (int top = 0; top < layout.height(); top += layout.tileHeight()) {
        int rows = Math.min(layout.tileHeight(), layout.height() - top);
        for (int left = 0; left < layout.width(); left += layout.tileWidth()) {
          tiles.read(index++, rows, tile);
          place(layout, tiles, tile, plane, left, top, samples);
        }
      }
    }
    return samples;
  }

  private static void place(
      TiffLayout layout,
      TiffTiles tiles,
      byte[] tile,
      int plane,
      int left,
      int top,
      byte[] samples) {
    int channels = layout.channels();
    int together = layout.samplesTogether();
    int wanted = layout.separate() ? 1 : channels;
    int columns = Math.min(layout.tileWidth(), layout.width() - left);
    int rows = Math.min(layout.tileHeight(), layout.height() - top);
    int rowBytes = Math.toIntExact(layout.tileRowBytes());
    for (int y = 0; y < rows; y++) {
      int to = ((top + y) * layout.width() + left) * channels + plane;
      if (layout.bits() == 8 && wanted == together && wanted == channels) {
        System.arraycopy(tile, y * rowBytes, samples, to, columns * channels);
        continue;
      }
      for (int x = 0; x < columns; x++, to += channels) {
        for (int channel = 0; channel < wanted; channel++) {
          samples[to + channel] = (byte) tiles.sample(tile, y * rowBytes, x * together + channel);
        }
      }
    }
  }
}
