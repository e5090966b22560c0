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
/// Says `ready`, reads lines and answers each with `done`: `open FILE`, and then how often to do
/// what with that file, `decode TIMES`, `process TIMES` (of pixels decoded when it was opened) or
/// `both TIMES`. The arguments name a folder with a processor's configuration and a JPEG decoder.
/// The clock is the driver's.
public final class ImageWorker {
  private final SniffingDecoder decoder;
  private final ImageProcessor processor;
  private ImageSource source = new ImageSource.Encoded(ByteBuffer.allocate(0));
  private Pixels pixels = new Pixels(1, 1, new byte[3]);

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
      if (words[0].equals("open")) {
        worker.open(Path.of(words[1]));
      } else {
        worker.repeat(words[0], Integer.parseInt(words[1]));
      }
      System.out.println("done");
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

  private void open(Path file) throws IOException {
    pixels.close();
    source = new ImageSource.Encoded(ByteBuffer.wrap(Files.readAllBytes(file)));
    pixels = decode();
  }

  private void repeat(String work, int times) {
    int seen = 0;
    for (int i = 0; i < times; i++) {
      seen += once(work) > 0 ? 1 : 0;
    }
    if (seen < times) {
      throw new IllegalStateException("work: " + work + " gave nothing");
    }
  }

  private int once(String work) {
    if (work.equals("process")) {
      return process(pixels).inputs().size();
    }
    try (Pixels decoded = decode()) {
      return switch (work) {
        case "decode" -> decoded.width();
        case "both" -> process(decoded).inputs().size();
        default -> throw new IllegalArgumentException("work: " + work);
      };
    }
  }

  private Pixels decode() {
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }

  private ProcessedImage process(Pixels pixels) {
    return processor.process(pixels, TensorAllocator.heap());
  }
}
