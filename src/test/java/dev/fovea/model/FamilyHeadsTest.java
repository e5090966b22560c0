package dev.fovea.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.HeadModels;
import dev.fovea.failure.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Models that read what the vision encoder sees: what their family must have, and what they.
final class FamilyHeadsTest {
  private static final String DEPTH = "pico_depth/config.pbtxt";
  private static final String EMOTION = "pico_emotion/config.pbtxt";
  private static final String VISION = "pico_vision/config.pbtxt";
  private static final String LABELS = "pico_emotion/labels.txt";

  @TempDir private Path root;

  @BeforeEach
  void copyTheModels() {
    HeadModels.repository(root);
  }

  @Test
  void familyHasThemWithTheirLabels() {
    ModelRepository repository = read();

    assertThat(repository.faults()).isEmpty();
    assertThat(repository.warnings()).isEmpty();
    ModelFamily family = repository.families().get("pico");
    assertThat(family.members()).containsKeys(Role.DEPTH, Role.EMOTION);
    assertThat(family.member(Role.EMOTION).orElseThrow().labels()).isEqualTo(HeadModels.EMOTIONS);
    assertThat(family.member(Role.DEPTH).orElseThrow().labels()).isEmpty();
    assertThat(family.member(Role.DEPTH).orElseThrow().embeddingOutput()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          pico_depth   | name: "patch_features" data_type: TYPE_FP32 dims: [ -1, 224 ] | name: "patch_features" data_type: TYPE_FP32 dims: [ -1, 225 ] | parameters.image_features
          pico_depth   | name: "patch_features" data_type: TYPE_FP32 dims: [ -1, 224 ] | name: "patch_features" data_type: TYPE_FP16 dims: [ -1, 224 ] | parameters.image_features
          pico_depth   | name: "patch_features"        | name: "features"              | parameters.image_features
          pico_depth   | name: "patch_positions"       | name: "places"                | input.places
          pico_depth   | TYPE_INT32 dims: [ -1, 2 ]    | TYPE_INT32 dims: [ -1, 3 ]    | input.patch_positions
          pico_depth   | TYPE_BOOL                     | TYPE_UINT8                    | input.patch_mask
          pico_depth   | dims: [ -1, 16 ]              | dims: [ -1, 15 ]              | output.depth
          pico_depth   | dims: [ -1, 16 ]              | dims: [ 16 ]                  | output.depth
          pico_depth   | name: "depth"                 | name: "map"                   | output.depth
          pico_emotion | label_filename: "labels.txt"  |                               | output.logits
          pico_emotion | label_filename: "labels.txt"  | label_filename: "other.txt"   | output.logits.label_filename
          pico_emotion | label_filename: "labels.txt"  | label_filename: "../x/labels.txt" | output.logits.label_filename
          pico_emotion | dims: [ 4 ]                   | dims: [ 5 ]                   | output.logits.label_filename
          pico_emotion | name: "logits"                | name: "scores"                | output.logits
          """)
  void namesWhatDoesNotFit(String model, String from, String to, String field) throws IOException {
    edit(model + "/config.pbtxt", from, to == null ? "" : to);

    assertThat(fields()).containsExactly(model + "/config.pbtxt " + field);
  }

  @Test
  void encodersOutputMayHaveAnotherName() throws IOException {
    edit(VISION, "name: \"patch_features\"", "name: \"tokens\"");
    String parameter =
        "parameters { key: \"image_features\" value: { string_value: \"tokens\" } }\n";
    String input =
        "parameters { key: \"image_features_input\" value: { string_value: \"patch_features\" } }\n";
    append(DEPTH, parameter + input);
    append(EMOTION, parameter + input);

    assertThat(read().faults()).isEmpty();
  }

  @Test
  void labelsMustDiffer() throws IOException {
    Files.write(root.resolve(LABELS), List.of("happy", "happy", "sad", "none"));

    assertThat(fields()).containsExactly(EMOTION + " output.logits.label_filename");
  }

  @Test
  void blankLinesAreNoLabels() throws IOException {
    Files.writeString(root.resolve(LABELS), "happy\n\n sad \nangry\nnone\n\n");

    assertThat(read().families().get("pico").member(Role.EMOTION).orElseThrow().labels())
        .containsExactly("happy", "sad", "angry", "none");
  }

  @Test
  void familyWithoutAnImageEncoderCannotHaveThem() throws IOException {
    edit(VISION, "string_value: \"pico\"", "string_value: \"other\"");

    assertThat(fields())
        .containsExactly(
            DEPTH + " parameters.image_features", EMOTION + " parameters.image_features");
  }

  @Test
  void anotherSpaceIsAnotherTraining() throws IOException {
    String config = Files.readString(root.resolve(DEPTH));
    Files.writeString(
        root.resolve(DEPTH), config.replaceFirst("\"pico-[0-9a-f]+\"", "\"pico-00000000\""));

    assertThat(read().faults()).extracting(Fault::field).contains("parameters.space");
  }

  private ModelRepository read() {
    return ModelRepository.read(root, "decoder of this test");
  }

  private List<String> fields() {
    return read().faults().stream().map(fault -> fault.file() + " " + fault.field()).toList();
  }

  private void edit(String file, String from, String to) throws IOException {
    String text = Files.readString(root.resolve(file));
    assertThat(text).contains(from);
    Files.writeString(root.resolve(file), text.replace(from, to));
  }

  private void append(String file, String more) throws IOException {
    Files.writeString(root.resolve(file), Files.readString(root.resolve(file)) + more);
  }
}
