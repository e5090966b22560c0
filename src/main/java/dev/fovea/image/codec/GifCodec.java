package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;

/// Graphics Interchange Format: the first frame on the logical screen, as Pillow shows it. The
/// screen around the frame has the transparent colour where there is one, else the first colour of
/// the palette; a frame that sticks out enlarges the screen.
final class GifCodec implements ImageCodec {
  @Override
  public ImageFormat format() {
    return ImageFormat.GIF;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("GIF87a") || file.startsWith("GIF89a");
  }

  @Override
  public ImageHeader readHeader(ByteReader file) {
    GifFile gif = new GifFile(file);
    GifFrame frame = gif.nextFrame();
    int width = Math.max(gif.screenWidth(), frame.left() + frame.width());
    int height = Math.max(gif.screenHeight(), frame.top() + frame.height());
    long frameBytes = (long) frame.width() * frame.height() + 4L * frame.height();
    long decodedBytes = 3L * width * height + frameBytes + LzwDecoder.TABLE_BYTES;
    return new ImageHeader(ImageFormat.GIF, width, height, Exif.UPRIGHT, 1, decodedBytes);
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Flattening alpha) {
    GifFrame frame = new GifFile(file).nextFrame();
    byte[] indices = new byte[frame.width() * frame.height()];
    LzwDecoder.decode(frame.data(), indices);
    byte[] rgb = new byte[header.width() * header.height() * 3];
    int around = frame.colours()[Math.max(0, frame.transparentIndex())];
    for (int at = 0; at < rgb.length; at += 3) {
      alpha.put(rgb, at, around);
    }
    paint(frame, indices, header.width(), alpha, rgb);
    return new Pixels(header.width(), header.height(), rgb);
  }

  private static void paint(
      GifFrame frame, byte[] indices, int screenWidth, Flattening alpha, byte[] rgb) {
    int next = 0;
    for (int row : frame.rowOrder()) {
      int at = ((frame.top() + row) * screenWidth + frame.left()) * 3;
      for (int x = 0; x < frame.width(); x++, at += 3) {
        alpha.put(rgb, at, frame.colours()[indices[next++] & 0xFF]);
      }
    }
  }
}
