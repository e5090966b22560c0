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
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import javax.imageio.ImageIO;

/// The JPEG decoders beside libjpeg-turbo itself, which reads and writes memory that is there
/// already: rounds in turn, CPU time of the thread, the median of the ratios of each round with its
/// quartiles.
public final class JpegBench {
  private static final int[][] SIZES = {{640, 480}, {1920, 1080}, {4032, 3024}};
  private static final int SIDE = 224;
  private static final long WARM_NANOS = 2_000_000_000;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final ImageOptions LOW =
      new ImageOptions(true, OptionalInt.empty(), 0, ImageOptions.Detail.LOW);

  /// Read by nobody: what is decoded must be used.
  @SuppressWarnings("unused")
  private static volatile int seen;

  private JpegBench() {}

  public static void run() throws IOException {
    if (!(TurboJpeg.load() instanceof Native.Present<TurboJpeg>(TurboJpeg turbo))) {
      throw new IllegalStateException("libjpeg-turbo: not on this machine");
    }
    System.out.println("| image | decoder | Mpx/s | ÷ libjpeg-turbo | quartiles |");
    System.out.println("|---|---|---|---|---|");
    for (int[] size : SIZES) {
      compare(size[0], size[1], turbo);
    }
  }

  private static void compare(int width, int height, TurboJpeg turbo) throws IOException {
    byte[] file = photo(width, height);
    JpegFile jpeg = JpegFile.read(ByteReader.of(ImageFormat.JPEG, ByteBuffer.wrap(file)));
    byte[] plain = jpeg.plain(ByteReader.of(ImageFormat.JPEG, ByteBuffer.wrap(file)));
    int rounds = Math.max(31, 60_000_000 / (width * height));
    SniffingDecoder auto = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.AUTO);
    SniffingDecoder java = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.JAVA);
    try (NativeMemory in = NativeMemory.copyOf(ByteBuffer.wrap(plain));
        NativeMemory out = NativeMemory.allocate(3L * width * height)) {
      Map<String, Runnable> decoders = new LinkedHashMap<>();
      decoders.put(
          "libjpeg-turbo itself", () -> turbo.decode(in.segment(), jpeg, 1, out.segment()));
      decoders.put("auto", () -> decode(auto, file, ImageOptions.DEFAULT));
      decoders.put("java", () -> decode(java, file, ImageOptions.DEFAULT));
      decoders.put("auto, detail LOW", () -> decode(auto, file, LOW));
      decoders.values().forEach(JpegBench::warm);
      Map<String, double[]> nanos = new LinkedHashMap<>();
      for (int round = 0; round < rounds; round++) {
        for (Map.Entry<String, Runnable> decoder : decoders.entrySet()) {
          nanos.computeIfAbsent(decoder.getKey(), _ -> new double[rounds])[round] =
              nanos(decoder.getValue());
        }
      }
      double[] itself = nanos.values().iterator().next().clone();
      nanos.forEach((name, own) -> print(width, height, name, itself, own));
    }
  }

  private static void print(int width, int height, String name, double[] itself, double[] own) {
    double[] ratios = new double[own.length];
    Arrays.setAll(ratios, i -> itself[i] / own[i]);
    Arrays.sort(ratios);
    double[] sorted = own.clone();
    Arrays.sort(sorted);
    int quarter = own.length / 4;
    System.out.printf(
        "| %d×%d | %s | %.0f | %.2f | %.2f..%.2f |%n",
        width,
        height,
        name,
        width * height * 1e3 / sorted[sorted.length / 2],
        ratios[ratios.length / 2],
        ratios[quarter],
        ratios[ratios.length - 1 - quarter]);
  }

  private static void warm(Runnable work) {
    for (double spent = 0; spent < WARM_NANOS; ) {
      spent += nanos(work);
    }
  }

  private static double nanos(Runnable work) {
    long start = THREADS.getCurrentThreadCpuTime();
    work.run();
    return THREADS.getCurrentThreadCpuTime() - start;
  }

  private static void decode(SniffingDecoder decoder, byte[] file, ImageOptions options) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file));
    ImageHeader header = decoder.readHeader(source, options);
    DecodeTarget target = new DecodeTarget(SIDE, SIDE);
    try (Pixels pixels = decoder.decode(source, header, options, target)) {
      seen = pixels.width();
    }
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
