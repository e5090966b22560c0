package dev.fovea.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.admission.ByteBudget;
import dev.fovea.admission.CpuGate;
import dev.fovea.call.CallContext;
import dev.fovea.call.Caller;
import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelBox;
import dev.fovea.image.Pixels;
import dev.fovea.image.ProcessedImage;
import dev.fovea.image.ProcessorInfo;
import dev.fovea.image.Region;
import dev.fovea.task.PrepareImages.Prepared;
import dev.fovea.telemetry.StageListener;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// From bytes to a model's input, with a decoder and a processor that do what the test says.
@Timeout(30)
final class PrepareImagesTest {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 800;
  private static final int DECODED_BYTES = 1 << 20;

  private final ByteBudget budget = new ByteBudget(2 * DECODED_BYTES);
  private final CpuGate cpu = new CpuGate(2);
  private final ScriptedDecoder decoder = new ScriptedDecoder();
  private final ScriptedProcessor processor = new ScriptedProcessor();
  private final PrepareImages prepareImages =
      new PrepareImages(decoder, ImageLimits.DEFAULT, budget, cpu);

  @Test
  void processorSeesTheRegionAndTheFactsAreOfTheWhole() throws InterruptedException {
    decoder.orientation = 6;
    CallRecord record = record(Duration.ofSeconds(20));

    Prepared prepared = prepare(new Region(0, 0.5, 0.25, 1), record);

    // Turned upright, the image is 800 × 1200.
    assertThat(processor.seen.toString()).isEqualTo("200×600 RGB");
    assertThat(prepared.facts())
        .isEqualTo(new Embedding.ImageFacts(HEIGHT, WIDTH, new PixelBox(0, 600, 200, 600)));
    assertThat(record.usage().imagePixels()).isEqualTo(WIDTH * HEIGHT);
    assertThat(budget.taken()).isZero();
  }

  @Test
  void regionOfAnImageInLessDetailIsThatOfTheFewerPixels() throws InterruptedException {
    decoder.shrink = 4;

    Prepared prepared = prepare(new Region(0.5, 0, 1, 0.5), record(Duration.ofSeconds(20)));

    assertThat(processor.seen.toString()).isEqualTo("150×100 RGB");
    assertThat(prepared.facts().region()).isEqualTo(new PixelBox(600, 0, 600, 400));
  }

  @Test
  void decoderIsToldWhatTheWholeImageWouldBeResizedTo() throws InterruptedException {
    processor.target = new DecodeTarget(224, 224);

    prepare(new Region(0.5, 0, 1, 0.25), record(Duration.ofSeconds(20)));
    assertThat(decoder.target).isEqualTo(new DecodeTarget(448, 896));
    prepare(Region.WHOLE, record(Duration.ofSeconds(20)));
    assertThat(decoder.target).isEqualTo(new DecodeTarget(224, 224));
    processor.target = DecodeTarget.WHOLE;
    prepare(new Region(0.5, 0, 1, 0.25), record(Duration.ofSeconds(20)));
    assertThat(decoder.target).isEqualTo(DecodeTarget.WHOLE);
  }

  @Test
  void copyOfTheRegionCountsAsMemory() throws InterruptedException {
    prepare(Region.WHOLE, record(Duration.ofSeconds(20)));
    assertThat(decoder.takenWhileDecoding).isEqualTo(DECODED_BYTES);

    prepare(new Region(0, 0, 0.25, 1), record(Duration.ofSeconds(20)));
    assertThat(decoder.takenWhileDecoding)
        .isBetween(DECODED_BYTES + 300L * 800 * 3, DECODED_BYTES + 300L * 800 * 3 + 4096);
  }

  @Test
  void fullBudgetIsWaitedForUntilTheDeadline() throws Exception {
    decoder.decodedBytes = 2 * DECODED_BYTES;
    decoder.hold = new CountDownLatch(1);
    Thread first = Thread.startVirtualThread(this::prepareSilently);
    decoder.begun.await();

    assertThatThrownBy(() -> prepare(Region.WHOLE, record(Duration.ofMillis(20))))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED);
              assertThat(refusal.metadata()).containsEntry("step", "memory for the image");
            });
    decoder.hold.countDown();
    first.join();
    prepare(Region.WHOLE, record(Duration.ofSeconds(20)));
    assertThat(budget.taken()).isZero();
  }

  @Test
  void imageThatNeedsMoreThanTheWholeBudgetIsRefusedAtOnce() {
    decoder.decodedBytes = 2 * DECODED_BYTES + 1;

    assertThatThrownBy(() -> prepare(Region.WHOLE, record(Duration.ofSeconds(20))))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED));
  }

  @Test
  void imagesThatWaitForAProcessorHoldNoMemory() throws Exception {
    decoder.decodedBytes = DECODED_BYTES / 2;
    decoder.hold = new CountDownLatch(1);
    Thread[] calls = new Thread[6];
    for (int i = 0; i < calls.length; i++) {
      calls[i] = Thread.startVirtualThread(this::prepareSilently);
    }
    // The images are small ones: two are at work, and there is no lane beside them.
    while (cpu.waiting() < 4) {
      Thread.onSpinWait();
    }

    assertThat(budget.taken()).isLessThanOrEqualTo(DECODED_BYTES);
    decoder.hold.countDown();
    for (Thread call : calls) {
      call.join();
    }
    assertThat(budget.taken()).isZero();
  }

  @Test
  void decoderThatFailsGivesEverythingBack() throws InterruptedException {
    decoder.failure = new GatewayException(Reason.IMAGE_DECODE_FAILED, "damaged");
    for (int i = 0; i < 5; i++) {
      assertThatThrownBy(() -> prepare(Region.WHOLE, record(Duration.ofSeconds(20))))
          .isSameAs(decoder.failure);
    }
    decoder.failure = null;

    prepare(Region.WHOLE, record(Duration.ofSeconds(20)));
    assertThat(budget.taken()).isZero();
  }

  private Prepared prepare(Region region, CallRecord record) throws InterruptedException {
    Content.Image image =
        new Content.Image(
            new ImageSource.Encoded(ByteBuffer.allocate(0)), ImageOptions.DEFAULT, region);
    return prepareImages.run(image, processor, TensorAllocator.heap(), record);
  }

  private void prepareSilently() {
    try {
      prepare(Region.WHOLE, record(Duration.ofSeconds(20)));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static CallRecord record(Duration time) {
    Deadline deadline = Deadline.after(Clock.system(), time);
    return new CallRecord(
        new CallContext("test", new Caller("test"), Criticality.DEFAULT, deadline),
        StageListener.none());
  }

  /// Declares what the test says and decodes to black.
  private final class ScriptedDecoder implements ImageDecoder {
    private final CountDownLatch begun = new CountDownLatch(1);
    private int orientation = 1;
    private int shrink = 1;
    private volatile long decodedBytes = DECODED_BYTES;
    private volatile CountDownLatch hold = new CountDownLatch(0);
    private volatile RuntimeException failure;
    private volatile DecodeTarget target;
    private volatile long takenWhileDecoding;

    @Override
    public ImageHeader readHeader(ImageSource source, ImageOptions options) {
      return new ImageHeader(ImageFormat.JPEG, WIDTH, HEIGHT, orientation, 1, decodedBytes);
    }

    @Override
    public Pixels decode(
        ImageSource source, ImageHeader header, ImageOptions options, DecodeTarget target) {
      this.target = target;
      takenWhileDecoding = budget.taken();
      begun.countDown();
      try {
        hold.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      if (failure != null) {
        throw failure;
      }
      int width = header.shownWidth(options) / shrink;
      int height = header.shownHeight(options) / shrink;
      return new Pixels(width, height, new byte[3 * width * height]);
    }

    @Override
    public String specification() {
      return "scripted";
    }
  }

  /// Keeps what it sees.
  private static final class ScriptedProcessor implements ImageProcessor {
    private volatile Pixels seen;
    private volatile DecodeTarget target = DecodeTarget.WHOLE;

    @Override
    public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
      seen = pixels;
      return new ProcessedImage(Map.of(), 1, Optional.empty());
    }

    @Override
    public DecodeTarget target(int width, int height) {
      return target;
    }

    @Override
    public List<TensorSpec> outputs() {
      return List.of();
    }

    @Override
    public ProcessorInfo info() {
      return new ProcessorInfo("Scripted", 1, 1, 0, 0, false, "nearest", "pil");
    }

    @Override
    public String specification() {
      return "scripted";
    }
  }
}
