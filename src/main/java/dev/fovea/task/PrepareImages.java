package dev.fovea.task;

import dev.fovea.admission.CpuGate;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageProcessor;
import dev.fovea.image.PixelBox;
import dev.fovea.image.PixelBudget;
import dev.fovea.image.Pixels;
import dev.fovea.image.ProcessedImage;
import dev.fovea.task.InspectImage.Inspection;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.TensorAllocator;

/// Takes images from bytes to a model's input: header, a processor, memory, decode, cut out,
/// process.
///
/// Memory is taken by those alone who have a processor: images that wait for one hold none, so the
/// budget is never full of images that nobody works on.
public final class PrepareImages {
  private final ImageDecoder decoder;
  private final InspectImage inspectImage;
  private final PixelBudget budget;
  private final CpuGate cpu;

  /// @param limits hold for regions as they do for images; `decoder` has its own
  public PrepareImages(ImageDecoder decoder, ImageLimits limits, PixelBudget budget, CpuGate cpu) {
    this.decoder = decoder;
    this.inspectImage = new InspectImage(decoder, limits);
    this.budget = budget;
    this.cpu = cpu;
  }

  /// An image on its way into a model.
  ///
  /// @param processed its rows of the model's inputs
  /// @param facts what was seen of it
  public record Prepared(ProcessedImage processed, Embedding.ImageFacts facts) {}

  /// Prepares one image on the calling thread.
  ///
  /// @param memory where the model's inputs are written
  /// @throws GatewayException when the image cannot be decoded, or its turn does not come in time
  public Prepared run(
      Content.Image image, ImageProcessor processor, TensorAllocator memory, CallRecord record)
      throws InterruptedException {
    Deadline deadline = record.call().deadline();
    Inspection seen = inspectImage.run(image);
    return cpu.run(
        deadline,
        storedPixels(seen.header()),
        record.timings(),
        () -> {
          try (PixelBudget.Share _ = budget.take(bytes(seen), deadline);
              Pixels pixels = decode(image, seen, processor, record)) {
            ProcessedImage processed;
            try (StageTimings.Span _ = record.timings().start(Stage.PREPROCESS)) {
              // In less detail there are fewer pixels: the region is that of those that are there.
              PixelBox region = image.region().within(pixels.width(), pixels.height());
              processed = processor.process(pixels.part(region), memory);
            }
            record.image(storedPixels(seen.header()), processed.patches());
            return new Prepared(
                processed, new Embedding.ImageFacts(seen.width(), seen.height(), seen.region()));
          }
        });
  }

  private Pixels decode(
      Content.Image image, Inspection seen, ImageProcessor processor, CallRecord record) {
    try (StageTimings.Span _ = record.timings().start(Stage.DECODE)) {
      return decoder.decode(
          image.source(), seen.header(), image.options(), target(seen, processor));
    }
  }

  /// What the whole image would be resized to, for its region to become what the processor wants.
  private static DecodeTarget target(Inspection seen, ImageProcessor processor) {
    PixelBox region = seen.region();
    DecodeTarget target = processor.target(region.width(), region.height());
    return new DecodeTarget(
        scaled(target.width(), seen.width(), region.width()),
        scaled(target.height(), seen.height(), region.height()));
  }

  private static int scaled(int target, int whole, int part) {
    return (int) Math.min(Integer.MAX_VALUE, Math.ceilDiv((long) target * whole, part));
  }

  private static long bytes(Inspection seen) {
    PixelBox region = seen.region();
    long copy =
        region.isWhole(seen.width(), seen.height()) ? 0 : 3L * region.width() * region.height();
    return seen.header().decodedBytes() + copy;
  }

  private static long storedPixels(ImageHeader header) {
    return (long) header.width() * header.height();
  }
}
