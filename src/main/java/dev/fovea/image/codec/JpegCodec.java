package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/// JPEG, baseline and progressive, decoded by the JDK (libjpeg 6b).
///
/// The JDK gets a file of our own making: the tables, the frame and the scans as they are, colour
/// profiles and other application data left out, and one marker that says what libjpeg-turbo would
/// have found out about the colours. Its pixels then equal libjpeg-turbo's, but where chroma is
/// halved in rows only (4:4:0), which 6b enlarges by repetition.
final class JpegCodec implements ImageCodec {
  private static final byte[] JFIF = {
    (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
  };

  private static final byte[] ADOBE = {
    (byte) 0xFF, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
  };

  static {
    ImageIO.setUseCache(false);
  }

  @Override
  public ImageFormat format() {
    return ImageFormat.JPEG;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("\u00FF\u00D8\u00FF");
  }

  @Override
  public ImageHeader readHeader(ByteReader file) {
    JpegFile jpeg = JpegFile.read(file);
    int channels = Math.max(3, jpeg.components().size());
    long pixels = (long) jpeg.width() * jpeg.height();
    long samples =
        pixels * (channels == 4 ? 7 : 3) + (jpeg.progressive() ? 2 * pixels * channels : 0);
    return new ImageHeader(
        ImageFormat.JPEG,
        jpeg.width(),
        jpeg.height(),
        jpeg.orientation(),
        1,
        samples + file.size());
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Flattening alpha) {
    JpegFile jpeg = JpegFile.read(file);
    ImageReader reader = jdkReader();
    try (EncodedStream stream = new EncodedStream(plainFile(jpeg, file))) {
      reader.setInput(stream, true, true);
      byte[] rgb =
          switch (jpeg.colourSpace()) {
            case GREY -> fromGrey(samples(reader.read(0).getRaster(), jpeg, 1));
            case YCC, RGB -> fromBgr(samples(reader.read(0).getRaster(), jpeg, 3));
            case CMYK -> fromCmyk(samples(reader.readRaster(0, null), jpeg, 4));
            case YCCK -> fromCmyk(toCmyk(samples(reader.readRaster(0, null), jpeg, 4)));
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

  /// The file as the JDK gets it.
  private static byte[] plainFile(JpegFile jpeg, ByteReader file) {
    ByteArrayOutputStream plain = new ByteArrayOutputStream(file.size() + ADOBE.length);
    plain.write(0xFF);
    plain.write(0xD8);
    plain.writeBytes(colourMarker(jpeg.colourSpace()));
    for (ByteReader table : jpeg.tables()) {
      plain.writeBytes(table.bytes(table.remaining()));
    }
    ByteReader scans = file.from(jpeg.scanStart());
    plain.writeBytes(scans.bytes(scans.remaining()));
    return plain.toByteArray();
  }

  private static byte[] colourMarker(JpegFile.ColourSpace space) {
    return switch (space) {
      case GREY, YCC -> JFIF;
      case RGB, CMYK -> ADOBE;
      case YCCK -> {
        byte[] marker = ADOBE.clone();
        marker[marker.length - 1] = 2;
        yield marker;
      }
    };
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

  /// Inks as Adobe stores them, inverted; then Pillow's formula.
  private static byte[] fromCmyk(byte[] cmyk) {
    byte[] rgb = new byte[cmyk.length / 4 * 3];
    for (int i = 0, at = 0; i < cmyk.length; i += 4, at += 3) {
      int white = cmyk[i + 3] & 0xFF;
      for (int ink = 0; ink < 3; ink++) {
        int cover = 255 - (cmyk[i + ink] & 0xFF);
        rgb[at + ink] = (byte) (white - Flattening.divideBy255(cover * white));
      }
    }
    return rgb;
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
