package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.Pixels;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/// Decodes JPEG files with the JDK (libjpeg 6b). Its pixels equal libjpeg-turbo's, but where chroma
/// is halved in rows only (4:4:0), which 6b enlarges by repetition.
final class ImageIoJpeg {
  static {
    ImageIO.setUseCache(false);
  }

  private ImageIoJpeg() {}

  /// @param file as [JpegFile#plain] makes it
  static Pixels decode(JpegFile jpeg, byte[] file) {
    ImageReader reader = jdkReader();
    try (EncodedStream stream = new EncodedStream(file)) {
      reader.setInput(stream, true, true);
      byte[] rgb =
          switch (jpeg.colourSpace()) {
            case GREY -> fromGrey(samples(reader.read(0).getRaster(), jpeg, 1));
            case YCC, RGB -> fromBgr(samples(reader.read(0).getRaster(), jpeg, 3));
            case CMYK -> Cmyk.toRgbInverted(samples(reader.readRaster(0, null), jpeg, 4));
            case YCCK -> Cmyk.toRgbInverted(toCmyk(samples(reader.readRaster(0, null), jpeg, 4)));
          };
      if (stream.endReached()) {
        throw Refusals.damaged(ImageFormat.JPEG, "image data", "too short", "every pixel");
      }
      return new Pixels(jpeg.width(), jpeg.height(), rgb);
    } catch (IOException e) {
      throw Refusals.undecodable(ImageFormat.JPEG, e);
    } finally {
      reader.dispose();
    }
  }

  private static ImageReader jdkReader() {
    for (Iterator<ImageReader> all = ImageIO.getImageReadersByFormatName("jpeg"); all.hasNext(); ) {
      ImageReader reader = all.next();
      if (reader.getClass().getName().startsWith("com.sun.imageio.")) {
        return reader;
      }
    }
    throw new IllegalStateException("image reader: no JPEG reader in this JDK");
  }

  private static byte[] samples(Raster raster, JpegFile jpeg, int channels) {
    boolean asExpected =
        raster.getWidth() == jpeg.width()
            && raster.getHeight() == jpeg.height()
            && raster.getNumBands() == channels
            && raster.getDataBuffer() instanceof DataBufferByte;
    if (!asExpected) {
      throw Refusals.undecodable(ImageFormat.JPEG, null);
    }
    return ((DataBufferByte) raster.getDataBuffer()).getData();
  }

  private static byte[] fromGrey(byte[] grey) {
    byte[] rgb = new byte[grey.length * 3];
    for (int i = 0, at = 0; i < grey.length; i++, at += 3) {
      rgb[at] = grey[i];
      rgb[at + 1] = grey[i];
      rgb[at + 2] = grey[i];
    }
    return rgb;
  }

  private static byte[] fromBgr(byte[] samples) {
    for (int at = 0; at < samples.length; at += 3) {
      byte blue = samples[at];
      samples[at] = samples[at + 2];
      samples[at + 2] = blue;
    }
    return samples;
  }

  /// The three inks of YCCK are inverted colours behind luma and chroma; the JDK leaves them so.
  private static byte[] toCmyk(byte[] ycck) {
    for (int i = 0; i < ycck.length; i += 4) {
      int y = ycck[i] & 0xFF;
      int cb = ycck[i + 1] & 0xFF;
      int cr = ycck[i + 2] & 0xFF;
      ycck[i] = (byte) (255 - Ycc.red(y, cr));
      ycck[i + 1] = (byte) (255 - Ycc.green(y, cb, cr));
      ycck[i + 2] = (byte) (255 - Ycc.blue(y, cb));
    }
    return ycck;
  }
}
