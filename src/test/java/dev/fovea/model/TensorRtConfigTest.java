package dev.fovea.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The TensorRT configurations of the shipped models, held against the models that are served
/// without them, and the script that builds their engines.
final class TensorRtConfigTest {
  private static final Path REPOSITORY = Path.of("model-repository");

  private static List<ServableModel> models(Optional<String> configName) {
    ModelRepository repository = ModelRepository.read(REPOSITORY, "test", configName);
    assertThat(repository.faults()).isEmpty();
    return repository.families().values().stream()
        .flatMap(family -> family.members().values().stream())
        .sorted((a, b) -> a.name().compareTo(b.name()))
        .toList();
  }

  @Test
  void sayWhatTheUsualConfigurationsSay() {
    List<ServableModel> usual = models(Optional.empty());
    List<ServableModel> tensorRt = models(Optional.of("tensorrt"));

    assertThat(tensorRt).hasSameSizeAs(usual);
    for (int i = 0; i < usual.size(); i++) {
      assertThat(tensorRt.get(i).signature()).isEqualTo(usual.get(i).signature());
      assertThat(tensorRt.get(i).artifactDigest()).isEqualTo(usual.get(i).artifactDigest());
      assertThat(tensorRt.get(i).family()).isEqualTo(usual.get(i).family());
      assertThat(tensorRt.get(i).role()).isEqualTo(usual.get(i).role());
      assertThat(tensorRt.get(i).parameters())
          .containsEntry("space", usual.get(i).parameters().get("space"));
    }
  }

  @Test
  void profilesCoverWhateverTheGatewaySends() {
    for (ServableModel model : models(Optional.of("tensorrt"))) {
      Map<String, Shape> min = shapes(model, "trt_min_shapes");
      Map<String, Shape> opt = shapes(model, "trt_opt_shapes");
      Map<String, Shape> max = shapes(model, "trt_max_shapes");
      for (TensorSpec input : inputs(model)) {
        for (Map<String, Shape> shapes : List.of(min, opt, max)) {
          assertThat(shapes).hasSize(inputs(model).size()).containsKey(input.name());
          assertThat(input.shape().accepts(shapes.get(input.name()).row())).isTrue();
        }
        assertThat(min.get(input.name()).extent(0)).isEqualTo(1);
        assertThat(max.get(input.name()).extent(0)).isEqualTo(model.signature().maxBatchSize());
        for (int axis = 0; axis <= input.shape().rank(); axis++) {
          assertThat(opt.get(input.name()).extent(axis))
              .isBetween(min.get(input.name()).extent(axis), max.get(input.name()).extent(axis));
        }
        if (input.shape().extent(0) == Shape.ANY) {
          assertThat(max.get(input.name()).extent(1))
              .as("%s of %s", input, model)
              .isGreaterThanOrEqualTo(longest(model, input));
        }
      }
      assertThat(model.parameters().get("trt_precision")).isIn("fp32", "fp16", "bf16");
    }
  }

  /// What a row has, and what is kept of a sequence: an engine's profile has both.
  private static List<TensorSpec> inputs(ServableModel model) {
    return Stream.concat(
            model.signature().inputs().stream(),
            model.signature().sequencing().states().stream().map(Sequencing.State::input))
        .toList();
  }

  /// The largest first extent that the gateway can send.
  private static int longest(ServableModel model, TensorSpec input) {
    return switch (model.role()) {
      case TEXT -> model.tokenizer().orElseThrow().maxTokens();
      case DECODER ->
          input.name().equals("input_ids")
              ? model.decoding().orElseThrow().contextLength()
              : maxPatches();
      case VISION, DEPTH, EMOTION -> maxPatches();
    };
  }

  private static int maxPatches() {
    return models(Optional.empty()).stream()
        .flatMap(model -> model.imageProcessor().stream())
        .mapToInt(processor -> processor.info().maxPatches())
        .max()
        .orElseThrow();
  }

  /// `name:1x64x768,…` by name.
  private static Map<String, Shape> shapes(ServableModel model, String parameter) {
    Map<String, Shape> shapes = new HashMap<>();
    for (String entry : model.parameters().get(parameter).split(",", -1)) {
      String[] parts = entry.split(":", -1);
      shapes.put(
          parts[0],
          Shape.of(Stream.of(parts[1].split("x", -1)).mapToLong(Long::parseLong).toArray()));
    }
    return shapes;
  }

  @Test
  void modelWithoutThatConfigurationKeepsItsUsualOne() {
    assertThat(models(Optional.of("another"))).hasSameSizeAs(models(Optional.empty()));
  }

  @Test
  void nameThatIsNoneIsRefused() {
    assertThatThrownBy(() -> ModelRepository.read(REPOSITORY, "test", Optional.of("../x")))
        .isInstanceOf(FaultyConfigurationException.class);
  }

  @Test
  void enginesAreBuiltAsTheConfigurationsSay() throws Exception {
    Process script =
        new ProcessBuilder("model-repository/build-engines", "--dry-run")
            .redirectErrorStream(true)
            .start();
    String output = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(script.waitFor()).as(output).isZero();

    for (ServableModel model : models(Optional.of("tensorrt"))) {
      assertThat(output)
          .contains(
              "model-repository/" + model.name() + "/1/model.onnx",
              "--minShapes=" + model.parameters().get("trt_min_shapes"),
              "--optShapes=" + model.parameters().get("trt_opt_shapes"),
              "--maxShapes=" + model.parameters().get("trt_max_shapes"),
              "/" + model.artifactDigest().substring(0, 16) + "-");
      assertThat(Files.exists(REPOSITORY.resolve(model.name() + "/1/model.plan"))).isFalse();
    }
  }
}
