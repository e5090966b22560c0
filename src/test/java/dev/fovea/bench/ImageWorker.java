package dev.fovea.bench;

import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ImageProcessors;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import dev.fovea.image.ProcessedImage;
import dev.fovea.image.codec.JpegDecoding;
import dev.fovea.image.codec.SniffingDecoder;
import dev.fovea.tensor.TensorAllocator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Image work on demand, for a driver that interleaves it with the same work done by others.
///
/// Reads lines `WORK FILE TIMES`, does the work on the file that many times, and answers each with
/// a line of the nanoseconds that took, the first line being `ready`. The arguments name a folder
/// with a processor's configuration and a JPEG decoder. Works: `decode`, `process` (decoded before
/// the clock starts), `both`.
public final class ImageWorker {
  private final SniffingDecoder decoder;
  private final ImageProcessor processor;

  private ImageWorker(Path assets, SniffingDecoder decoder) {
    this.processor = ImageProcessors.read(assets);
    this.decoder = decoder;
  }

  public static void main(String[] args) throws IOException {
    ImageWorker worker = new ImageWorker(Path.of(args[0]), decoder(args[1]));
    System.out.println("ready");
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ", -1);
      System.out.println(worker.time(words[0], Path.of(words[1]), Integer.parseInt(words[2])));
    }
  }

  /// The JPEG decoder of that name.
  ///
  /// @throws IllegalArgumentException when there is none here: the driver leaves its row out
  private static SniffingDecoder decoder(String name) {
    return switch (name) {
      case "java" -> new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.JAVA);
      case "native" -> new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.NATIVE);
      default ->
          throw new IllegalArgumentException("decoder: " + name + " (expected: java or native)");
    };
  }

  private long time(String work, Path file, int times) throws IOException {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(Files.readAllBytes(file)));
    Pixels pixels = decode(source);
    long seen = 0;
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      seen +=
          switch (work) {
            case "decode" -> decode(source).width();
            case "process" -> process(pixels).inputs().size();
            case "both" -> process(decode(source)).inputs().size();
            default -> throw new IllegalArgumentException("work: " + work);
          };
    }
    long nanos = System.nanoTime() - start;
    if (seen < times) {
      throw new IllegalStateException("work: " + work + " gave nothing");
    }
    return nanos;
  }

  private Pixels decode(ImageSource source) {
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }

  private ProcessedImage process(Pixels pixels) {
    return processor.process(pixels, TensorAllocator.heap());
  }
}
