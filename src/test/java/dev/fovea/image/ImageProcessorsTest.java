package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImageProcessorsTest {
  private static final String FOVEA =
      """
      {"image_processor_type": "FoveaPatchImageProcessor", "backend": "pil",
       "do_convert_rgb": true, "do_resize": true, "resample": 2, "patch_size": 16,
       "max_num_patches": 64, "max_patches_per_side": 16}\
      """;

  @TempDir private Path assets;

  @Test
  void readsFoveaPatches() throws IOException {
    ImageProcessor processor = read(FOVEA);

    assertThat(processor.specification())
        .isEqualTo(
            "FoveaPatchImageProcessor backend=pil resample=bilinear patch_size=16"
                + " max_num_patches=64 max_patches_per_side=16");
  }

  @Test
  void reportsEveryFaultAtOnce() throws IOException {
    List<Fault> faults =
        faults(
            """
            {"image_processor_type": "FoveaPatchImageProcessor", "backend": "pil",
             "do_resize": false, "resample": 7, "patch_size": "16", "max_num_patches": 0,
             "size": {"height": 1}, "zoom": 2}\
            """);

    assertThat(faults)
        .extracting(Fault::field)
        .containsExactly("do_resize", "resample", "patch_size", "max_num_patches", "size", "zoom");
    assertThat(faults.get(1))
        .isEqualTo(
            new Fault("preprocessor_config.json", "resample", "7", "one of [1, 2, 3, 4, 5]"));
    assertThat(faults.get(3).expected()).isEqualTo("an integer in 1..65536");
    assertThat(faults.getLast().expected()).isEqualTo("no such key");
  }

  @Test
  void refusesUnknownProcessorByName() throws IOException {
    assertThat(faults("{\"image_processor_type\": \"MadeUpProcessor\"}"))
        .containsExactly(
            new Fault(
                "preprocessor_config.json",
                "image_processor_type",
                "\"MadeUpProcessor\"",
                "one of [FoveaPatchImageProcessor]"));
  }

  @Test
  void refusesFileThatIsNoJsonObject() throws IOException {
    assertThat(faults("[1, 2]").getFirst().expected()).isEqualTo("a JSON object");
    assertThat(faults("{").getFirst().expected()).isEqualTo("a JSON object");
    assertThat(faults("{\"a\": 1, \"a\": 2}").getFirst().expected()).isEqualTo("a JSON object");
  }

  @Test
  void refusesFolderWithoutTheFile() {
    FaultyConfigurationException refusal =
        catchThrowableOfType(
            FaultyConfigurationException.class, () -> ImageProcessors.read(assets));

    assertThat(refusal.faults())
        .containsExactly(
            new Fault("preprocessor_config.json", "", "NoSuchFileException", "a readable file"));
  }

  private List<Fault> faults(String json) {
    return catchThrowableOfType(FaultyConfigurationException.class, () -> read(json)).faults();
  }

  private ImageProcessor read(String json) throws IOException {
    Files.writeString(assets.resolve("preprocessor_config.json"), json);
    return ImageProcessors.read(assets);
  }
}
