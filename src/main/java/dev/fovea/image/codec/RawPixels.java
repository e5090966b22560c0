package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;

/// Pixels that a client sends as they are.
final class RawPixels {
  private RawPixels() {}

  /// Holds the fields against each other.
  ///
  /// @throws GatewayException with `INVALID_FIELD`, the field named as in the proto's `RawImage`
  static ImageHeader readHeader(ImageSource.Raw raw) {
    requireExtent("width", raw.width(), raw.format());
    requireExtent("height", raw.height(), raw.format());
    long row = (long) raw.width() * raw.format().bytesPerPixel();
    if (raw.stride() != 0 && raw.stride() < row) {
      throw GatewayException.invalidField(
          "stride", raw.stride(), "0, or at least the " + row + " bytes of a row");
    }
    if (raw.format() == PixelFormat.I420 && raw.stride() % 2 != 0) {
      throw GatewayException.invalidField("stride", raw.stride(), "an even number for I420");
    }
    requireBytes(raw, row);
    return new ImageHeader(
        ImageFormat.RAW,
        raw.width(),
        raw.height(),
        Exif.UPRIGHT,
        1,
        3L * raw.width() * raw.height());
  }

  /// The last row may end where its pixels end.
  private static void requireBytes(ImageSource.Raw raw, long row) {
    long stride = stride(raw);
    long rows = raw.height();
    long most = stride * rows;
    long padding = stride - row;
    if (raw.format().planar()) {
      most += stride * (rows / 2);
      padding = raw.format() == PixelFormat.NV12 ? padding : padding / 2;
    }
    long least = most - padding;
    int actual = raw.bytes().remaining();
    if (actual < least || actual > most) {
      String expected = least == most ? most + " bytes" : least + ".." + most + " bytes";
      throw GatewayException.invalidField("data", actual, expected);
    }
  }

  private static void requireExtent(String field, int value, PixelFormat format) {
    if (value <= 0) {
      throw GatewayException.invalidField(field, value, "> 0");
    }
    if (format.planar() && value % 2 != 0) {
      throw GatewayException.invalidField(field, value, "an even number for " + format);
    }
  }

  private static long stride(ImageSource.Raw raw) {
    return raw.stride() > 0 ? raw.stride() : (long) raw.width() * raw.format().bytesPerPixel();
  }

  static Pixels decode(ImageSource.Raw raw, Flattening alpha) {
    byte[] rgb = new byte[raw.width() * raw.height() * 3];
    if (raw.format().planar()) {
      VideoFrame.decode(raw, Math.toIntExact(stride(raw)), rgb);
      return new Pixels(raw.width(), raw.height(), rgb);
    }
    byte[] row = new byte[raw.width() * raw.format().bytesPerPixel()];
    ByteBuffer bytes = raw.bytes();
    for (int y = 0; y < raw.height(); y++) {
      bytes.get(bytes.position() + Math.toIntExact(y * stride(raw)), row);
      unpack(raw.format(), row, rgb, y * raw.width() * 3, alpha);
    }
    return new Pixels(raw.width(), raw.height(), rgb);
  }

  private static void unpack(PixelFormat format, byte[] row, byte[] rgb, int at, Flattening alpha) {
    switch (format) {
      case RGB24 -> System.arraycopy(row, 0, rgb, at, row.length);
      case BGR24 -> {
        for (int i = 0; i < row.length; i += 3) {
          rgb[at + i] = row[i + 2];
          rgb[at + i + 1] = row[i + 1];
          rgb[at + i + 2] = row[i];
        }
      }
      case RGBA -> {
        for (int i = 0, to = at; i < row.length; i += 4, to += 3) {
          alpha.put(
              rgb, to, row[i] & 0xFF, row[i + 1] & 0xFF, row[i + 2] & 0xFF, row[i + 3] & 0xFF);
        }
      }
      case GRAY8 -> {
        for (int i = 0; i < row.length; i++) {
          rgb[at + 3 * i] = row[i];
          rgb[at + 3 * i + 1] = row[i];
          rgb[at + 3 * i + 2] = row[i];
        }
      }
      case NV12, I420 -> throw new IllegalStateException("format: " + format);
    }
  }
}
