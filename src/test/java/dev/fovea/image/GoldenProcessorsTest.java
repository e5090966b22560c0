package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.image.GoldenProcessors.Case;
import dev.fovea.image.GoldenProcessors.Image;
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

  /// No case differs, or its own test would say so.
  @Test
  void theDocumentHasTheTable() throws IOException {
    String document = Files.readString(Path.of("docs/images.md"));

    assertThat(document).contains(GoldenProcessors.table(_ -> 0));
    GoldenProcessors.versions()
        .forEach((library, version) -> assertThat(document).contains(library + " " + version));
  }
}
