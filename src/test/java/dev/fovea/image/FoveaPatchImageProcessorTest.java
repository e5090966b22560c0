package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class FoveaPatchImageProcessorTest {
  private static final Recipe RECIPE =
      new Recipe(
          "FoveaPatchImageProcessor",
          Backend.PIL,
          ResampleFilter.BILINEAR,
          Normalisation.NONE,
          DataType.UINT8);

  private final ImageProcessor processor =
      new PatchImageProcessor(
          RECIPE, new SizeRule.NaFlex(16, 64, 16), new PatchLayout.Fovea(16, 64), 64);

  static List<List<String>> images() {
    return GoldenFiles.table("fovea-patches.tsv");
  }

  @ParameterizedTest
  @MethodSource("images")
  void makesThePatchesOfTheReference(List<String> golden) {
    Pixels image = GoldenFiles.pattern(number(golden, 0), number(golden, 1));
    int rows = number(golden, 2);
    int columns = number(golden, 3);

    ProcessedImage processed = processor.process(image, TensorAllocator.heap());

    assertThat(processed.patches()).isEqualTo(rows * columns);
    assertThat(GoldenFiles.sha256(bytes(processed, "patches"))).isEqualTo(golden.get(4));
    assertThat(bytes(processed, "patch_mask")).isEqualTo(mask(rows * columns));
    assertThat(ints(processed, "patch_positions")).isEqualTo(positions(rows, columns));
  }

  @Test
  void describesItsInputs() {
    ProcessedImage processed =
        processor.process(GoldenFiles.pattern(20, 10), TensorAllocator.heap());

    assertThat(processed.inputs()).containsOnlyKeys("patches", "patch_mask", "patch_positions");
    assertThat(processed.input("patches").type()).isEqualTo(DataType.UINT8);
    assertThat(processed.input("patches").shape()).isEqualTo(Shape.of(64, 768));
    assertThat(processed.input("patch_mask").type()).isEqualTo(DataType.BOOL);
    assertThat(processed.input("patch_mask").shape()).isEqualTo(Shape.of(64));
    assertThat(processed.input("patch_positions").type()).isEqualTo(DataType.INT32);
    assertThat(processed.input("patch_positions").shape()).isEqualTo(Shape.of(64, 2));
  }

  @Test
  void writesIntoTheMemoryItIsGiven() {
    try (Arena arena = Arena.ofConfined()) {
      TensorAllocator direct =
          (type, shape) -> new Tensor(type, shape, arena.allocate(Tensor.byteSize(type, shape)));
      Pixels image = GoldenFiles.pattern(40, 30);

      ProcessedImage processed = processor.process(image, direct);

      ProcessedImage onHeap = processor.process(image, TensorAllocator.heap());
      assertThat(processed.input("patches").data().isNative()).isTrue();
      for (String input : onHeap.inputs().keySet()) {
        assertThat(bytes(processed, input)).isEqualTo(bytes(onHeap, input));
      }
    }
  }

  @Test
  void tellsWhatItDoes() {
    assertThat(processor.info())
        .isEqualTo(
            new ProcessorInfo(
                "FoveaPatchImageProcessor", 128, 128, 16, 64, true, "bilinear", "pil"));
    assertThat(processor.specification())
        .isEqualTo(
            "FoveaPatchImageProcessor backend=pil resample=bilinear rescale=no normalize=no"
                + " type=UINT8 size=NaFlex[patchSize=16, maxPatches=64, maxPerSide=16] crop=no"
                + " layout=Fovea[patchSize=16, maxPatches=64]");
  }

  private static byte[] bytes(ProcessedImage image, String input) {
    return image.input(input).data().toArray(ValueLayout.JAVA_BYTE);
  }

  private static int[] ints(ProcessedImage image, String input) {
    return image.input(input).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  private static byte[] mask(int patches) {
    byte[] mask = new byte[64];
    for (int i = 0; i < patches; i++) {
      mask[i] = 1;
    }
    return mask;
  }

  private static int[] positions(int rows, int columns) {
    int[] positions = new int[128];
    for (int i = 0; i < rows * columns; i++) {
      positions[2 * i] = i / columns;
      positions[2 * i + 1] = i % columns;
    }
    return positions;
  }

  private static int number(List<String> row, int column) {
    return Integer.parseInt(row.get(column));
  }
}
