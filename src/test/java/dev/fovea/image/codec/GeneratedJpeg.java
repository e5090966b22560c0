package dev.fovea.image.codec;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageOutputStream;

/// A JPEG of a random picture, described well enough to be made again.
///
/// @param horizontal how many columns share a chroma sample
/// @param vertical how many rows do
/// @param restart MCUs between restart markers, 0 for none
record GeneratedJpeg(
    int width,
    int height,
    int horizontal,
    int vertical,
    int quality,
    boolean progressive,
    boolean grey,
    int restart,
    long seed) {
  private static final String FORMAT = "javax_imageio_jpeg_image_1.0";
  private static final int[][] SAMPLINGS = {{1, 1}, {2, 1}, {2, 2}, {4, 1}};

  /// Of those forms on which every decoder is to agree: all but chroma that is halved in rows only.
  static GeneratedJpeg random(Random random) {
    int[] sampling = SAMPLINGS[random.nextInt(SAMPLINGS.length)];
    return new GeneratedJpeg(
        1 + random.nextInt(70),
        1 + random.nextInt(70),
        sampling[0],
        sampling[1],
        1 + random.nextInt(100),
        random.nextInt(3) == 0,
        random.nextInt(6) == 0,
        random.nextInt(4) == 0 ? 1 + random.nextInt(5) : 0,
        random.nextLong());
  }

  ByteBuffer file() {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      BufferedImage picture = picture();
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(quality / 100f);
      param.setProgressiveMode(
          progressive ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(
              ImageTypeSpecifier.createFromRenderedImage(picture), param);
      describe(metadata);
      writer.write(null, new IIOImage(picture, null, metadata), param);
    } catch (IOException e) {
      throw new IllegalStateException(toString(), e);
    } finally {
      writer.dispose();
    }
    return ByteBuffer.wrap(bytes.toByteArray());
  }

  private void describe(IIOMetadata metadata) throws IOException {
    IIOMetadataNode root = (IIOMetadataNode) metadata.getAsTree(FORMAT);
    if (!grey) {
      IIOMetadataNode luma = (IIOMetadataNode) root.getElementsByTagName("componentSpec").item(0);
      luma.setAttribute("HsamplingFactor", Integer.toString(horizontal));
      luma.setAttribute("VsamplingFactor", Integer.toString(vertical));
    }
    if (restart > 0) {
      IIOMetadataNode interval = new IIOMetadataNode("dri");
      interval.setAttribute("interval", Integer.toString(restart));
      root.getElementsByTagName("markerSequence")
          .item(0)
          .insertBefore(interval, root.getElementsByTagName("sof").item(0));
    }
    metadata.setFromTree(FORMAT, root);
  }

  /// Smooth colours with some noise, and sometimes nothing but noise: the decoders differ, if they
  /// do, at the edges of the range.
  private BufferedImage picture() {
    Random random = new Random(seed);
    int noise = random.nextInt(4) == 0 ? 256 : 1 + random.nextInt(40);
    int[] slope = random.ints(6, -9, 10).toArray();
    BufferedImage image =
        new BufferedImage(
            width, height, grey ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    int[] pixel = new int[3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
          int level = 128 + slope[c] * x + slope[3 + c] * y + random.nextInt(noise);
          pixel[c] = Math.clamp(level, 0, 255);
        }
        image.getRaster().setPixel(x, y, pixel);
      }
    }
    return image;
  }
}
