package dev.fovea.image.codec;

import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;
import javax.imageio.ImageIO;

/// The JPEG decoders beside libjpeg-turbo itself, which writes into memory that is there already:
/// rounds in turn, ratios of the best and the median.
public final class JpegBench {
  private static final int[][] SIZES = {{640, 480}, {1920, 1080}, {4032, 3024}};
  private static final int SIDE = 224;
  private static final ImageOptions LOW =
      new ImageOptions(true, OptionalInt.empty(), 0, ImageOptions.Detail.LOW);

  private JpegBench() {}

  public static void run() throws IOException {
    if (!(TurboJpeg.load() instanceof Native.Present<TurboJpeg>(TurboJpeg turbo))) {
      throw new IllegalStateException("libjpeg-turbo: not on this machine");
    }
    System.out.println("| image | decoder | Mpx/s, best | ÷ libjpeg-turbo, best | median |");
    System.out.println("|---|---|---|---|---|");
    for (int[] size : SIZES) {
      compare(size[0], size[1], turbo);
    }
  }

  private static void compare(int width, int height, TurboJpeg turbo) throws IOException {
    byte[] file = photo(width, height);
    JpegFile jpeg = JpegFile.read(ByteReader.of(ImageFormat.JPEG, ByteBuffer.wrap(file)));
    byte[] plain = jpeg.plain(ByteReader.of(ImageFormat.JPEG, ByteBuffer.wrap(file)));
    int rounds = Math.max(15, 40_000_000 / (width * height));
    String[] names = {"libjpeg-turbo itself", "auto", "java", "auto, detail LOW"};
    double[][] nanos = new double[names.length][rounds];
    SniffingDecoder auto = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.AUTO);
    SniffingDecoder java = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.JAVA);
    try (NativeMemory in = NativeMemory.copyOf(ByteBuffer.wrap(plain));
        NativeMemory out = NativeMemory.allocate(3L * width * height)) {
      for (int round = -5; round < rounds; round++) {
        record(nanos[0], round, () -> turbo.decode(in.segment(), jpeg, 1, out.segment()));
        record(nanos[1], round, () -> decode(auto, file, ImageOptions.DEFAULT));
        record(nanos[2], round, () -> decode(java, file, ImageOptions.DEFAULT));
        record(nanos[3], round, () -> decode(auto, file, LOW));
      }
    }
    for (int i = 0; i < names.length; i++) {
      Arrays.sort(nanos[i]);
      System.out.printf(
          "| %d×%d | %s | %.0f | %.2f | %.2f |%n",
          width,
          height,
          names[i],
          width * height * 1e3 / nanos[i][0],
          nanos[0][0] / nanos[i][0],
          nanos[0][rounds / 2] / nanos[i][rounds / 2]);
    }
  }

  private static void record(double[] nanos, int round, Runnable work) {
    long start = System.nanoTime();
    work.run();
    if (round >= 0) {
      nanos[round] = System.nanoTime() - start;
    }
  }

  private static Pixels decode(SniffingDecoder decoder, byte[] file, ImageOptions options) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file));
    ImageHeader header = decoder.readHeader(source, options);
    return decoder.decode(source, header, options, new DecodeTarget(SIDE, SIDE));
  }

  /// Smooth shades with noise: 4:2:0, quality 75.
  private static byte[] photo(int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(7);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int grey =
            (int) (96 + 64 * Math.sin(x / 37.0) + 32 * Math.cos(y / 23.0)) + random.nextInt(32);
        image.setRGB(x, y, grey << 16 | (grey * 3 / 4) << 8 | (255 - grey));
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "jpeg", out);
    return out.toByteArray();
  }
}
