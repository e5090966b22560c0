package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.image.GoldenProcessors.Case;
import dev.fovea.image.GoldenProcessors.Image;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The bar: no byte differs from what the reference makes.
final class GoldenProcessorsTest {
  static List<Case> cases() {
    return GoldenProcessors.cases();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void makesTheBytesOfTheReference(Case golden) {
    ImageProcessor processor = golden.processor();
    Map<String, Map<String, List<String>>> made = new TreeMap<>();
    Map<String, Map<String, List<String>>> expected = new TreeMap<>();
    for (Image image : golden.images()) {
      made.put(image.toString(), image.made(processor));
      expected.put(image.toString(), image.expected());
    }

    assertThat(made).isEqualTo(expected);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void tellsWhatItMakes(Case golden) {
    ImageProcessor processor = golden.processor();
    ProcessedImage processed =
        processor.process(GoldenFiles.pattern(90, 70), TensorAllocator.heap());

    assertThat(processor.outputs()).extracting(TensorSpec::name).isNotEmpty();
    for (TensorSpec output : processor.outputs()) {
      Tensor tensor = processed.inputs().get(output.name());
      assertThat(tensor).as(output.name()).isNotNull();
      assertThat(output.accepts(tensor)).as("%s of %s", output, tensor).isTrue();
    }
    assertThat(processed.grid().isPresent()).isEqualTo(processor.tellsGrid());
    assertThat(processor.info()).isNotNull();
  }

  /// The preprocessing digest is made of it: two plans of one specification must make the same.
  @Test
  void plansThatMakeDifferentBytesDifferInTheirSpecification() {
    Map<String, Map<String, Map<String, List<String>>>> bySpecification = new TreeMap<>();
    for (Case golden : cases()) {
      String specification = golden.processor().specification();
      assertThat(specification).as(golden.toString()).isNotBlank();
      Map<String, Map<String, List<String>>> seen =
          bySpecification.computeIfAbsent(specification, _ -> new TreeMap<>());
      for (Image image : golden.images()) {
        Map<String, List<String>> before = seen.put(image.toString(), image.expected());
        if (before != null) {
          assertThat(image.expected()).as("%s, %s", golden, image).isEqualTo(before);
        }
      }
    }
    assertThat(bySpecification).hasSizeGreaterThan(cases().size() / 2);
  }

  /// No case differs, or its own test would say so.
  @Test
  void theDocumentHasTheTable() throws IOException {
    String document = Files.readString(Path.of("docs/images.md"));

    assertThat(document).contains(GoldenProcessors.table(_ -> 0));
    GoldenProcessors.versions()
        .forEach((library, version) -> assertThat(document).contains(library + " " + version));
  }
}
