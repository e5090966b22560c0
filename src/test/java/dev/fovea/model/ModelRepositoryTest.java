package dev.fovea.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Starts from a copy of the shipped models and breaks it, one place at a time. The model files
/// themselves are not looked into here: they may hold anything.
final class ModelRepositoryTest {
  private static final Path SHIPPED = Path.of("model-repository");
  private static final String DECODER = "decoder of this test";
  private static final String VISION = "pico_vision/config.pbtxt";
  private static final String TEXT = "pico_text/config.pbtxt";

  @TempDir private Path root;

  @BeforeEach
  void copyTheShippedModels() throws IOException {
    try (Stream<Path> files = Files.walk(SHIPPED)) {
      for (Path file : files.toList()) {
        Path copy = root.resolve(SHIPPED.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else if (file.toString().endsWith(".onnx")) {
          Files.writeString(copy, "a model of this test");
        } else {
          Files.copy(file, copy);
        }
      }
    }
  }

  @Test
  void readsTheShippedFamily() {
    ModelRepository repository = read();

    assertThat(repository.faults()).isEmpty();
    assertThat(repository.warnings()).isEmpty();
    assertThat(repository.families()).containsOnlyKeys("pico");
    ModelFamily pico = repository.families().get("pico");
    ServableModel vision = pico.member(Role.VISION).orElseThrow();
    assertThat(vision.name()).isEqualTo("pico_vision");
    assertThat(vision.version()).isEqualTo("1");
    assertThat(vision.instances()).isEqualTo(2);
    assertThat(vision.signature().maxBatchSize()).isEqualTo(64);
    assertThat(vision.signature().input("patches"))
        .contains(new TensorSpec("patches", DataType.UINT8, Shape.of(Shape.ANY, 768)));
    assertThat(vision.imageProcessor()).isPresent();
    assertThat(vision.artifactDigest()).isEqualTo(Digests.ofText("a model of this test"));
    ServableModel text = pico.member(Role.TEXT).orElseThrow();
    assertThat(text.tokenizer().orElseThrow().maxTokens()).isEqualTo(64);
    EmbeddingSpace space = pico.space().orElseThrow();
    assertThat(space.dimension())
        .isEqualTo(vision.signature().output("image_embedding").orElseThrow().shape().extent(0));
    assertThat(space.singleLabel()).isPresent();
    assertThat(space.hypothesisTemplates()).isNotEmpty();
  }

  @Test
  void folderMayBeNamedInAnyWay() {
    Path roundabout = root.resolve("pico_text/../.");

    assertThat(ModelRepository.read(roundabout, DECODER).families()).containsOnlyKeys("pico");
  }

  @Test
  void preprocessingDigestChangesWithTheDecoderAndTheProcessor() throws IOException {
    String digest = digest(read());

    assertThat(digest(ModelRepository.read(root, "another decoder"))).isNotEqualTo(digest);
    edit("pico_vision/assets/preprocessor_config.json", "\"resample\": 2", "\"resample\": 3");
    assertThat(digest(read())).isNotEqualTo(digest);
  }

  private static String digest(ModelRepository repository) {
    return Optional.ofNullable(repository.families().get("pico"))
        .flatMap(family -> family.member(Role.VISION))
        .orElseThrow()
        .preprocessingDigest();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          name: "pico_vision"           | name: "other"                | name                       | other
          backend: "onnxruntime"        | backend: "tensorrt"          | backend                    | "tensorrt"
          backend: "onnxruntime"        | platform: "tensorrt_plan"    | backend                    | ""
          max_batch_size: 64            | max_batch_size: 0            | max_batch_size             | 0
          max_batch_size: 64            | max_batch_size: -7           | max_batch_size             | -7
          name: "patch_mask"            | name: "patches"              | input.name                 | "patches"
          data_type: TYPE_UINT8         | data_type: TYPE_FP32         | input.patches              | FP32 [-1,768]
          data_type: TYPE_UINT8         | data_type: TYPE_INVALID      | input.patches.data_type    | TYPE_INVALID
          dims: [ -1, 768 ]             | dims: [ -1, 588 ]            | input.patches              | UINT8 [-1,588]
          dims: [ -1, 768 ]             | dims: [ 0, 768 ]             | input.patches.dims         | [0, 768]
          dims: [ -1, 768 ]             | dims: [ -2, 768 ]            | input.patches.dims         | [-2, 768]
          name: "image_embedding"       | name: "vector"               | output.image_embedding     | missing
          dynamic_batching { }          | dynamic_batching { preferred_batch_size: 65 } | dynamic_batching.preferred_batch_size | 65
          dynamic_batching { }          | dynamic_batching { priority_levels: 65 default_priority_level: 1 } | dynamic_batching.priority_levels | 65
          dynamic_batching { }          | dynamic_batching { priority_levels: 2 } | dynamic_batching.default_priority_level | 0
          dynamic_batching { }          | dynamic_batching { max_queue_delay_microseconds: 60000001 } | dynamic_batching.max_queue_delay_microseconds | 60000001
          dynamic_batching { }          | dynamic_batching { default_queue_policy { default_timeout_microseconds: 60000001 } } | dynamic_batching.default_queue_policy.default_timeout_microseconds | 60000001
          count: 2                      | count: -1                    | instance_group.count       | -1
          string_value: "vision"        | string_value: "eyes"         | parameters.role            | "eyes"
          string_value: "pico"          | string_value: "pico vision"  | parameters.family          | "pico vision"
          string_value: "1"             | string_value: "1"            | -                          | -
          """)
  void namesTheFieldAndTheValueOfAFault(String from, String to, String field, String value)
      throws IOException {
    edit(VISION, from, to);

    List<Fault> faults = read().faults();

    if (field.equals("-")) {
      assertThat(faults).isEmpty();
    } else {
      assertThat(faults)
          .anySatisfy(fault -> {
            assertThat(fault.file()).isEqualTo(VISION);
            assertThat(fault.field()).isEqualTo(field);
            assertThat(fault.value()).isEqualTo(value);
            assertThat(fault.expected()).isNotBlank();
          });
    }
  }

  @Test
  void reportsEveryFaultOfEveryModelAtOnce() throws IOException {
    edit(VISION, "max_batch_size: 64", "max_batch_size: 0");
    edit(VISION, "\"onnxruntime\"", "\"tensorrt\"");
    edit("pico_vision/assets/preprocessor_config.json", "\"resample\": 2", "\"resample\": 77");
    edit(TEXT, "count: 2", "count: 1000");
    Files.delete(root.resolve("pico_text/assets/tokenizer_config.json"));

    ModelRepository repository = read();

    assertThat(repository.families()).isEmpty();
    assertThat(repository.broken()).extracting(BrokenFamily::name).containsExactly("pico");
    assertThat(repository.faults())
        .extracting(fault -> fault.file() + ":" + fault.field())
        .contains(
            "pico_vision/config.pbtxt:max_batch_size",
            "pico_vision/config.pbtxt:backend",
            "pico_vision/assets/preprocessor_config.json:resample",
            "pico_text/config.pbtxt:instance_group.count",
            "pico_text/assets/tokenizer_config.json:");
  }

  @Test
  void unknownFieldIsAFaultThatNamesItAndItsPlace() throws IOException {
    edit(VISION, "max_batch_size: 64", "max_batch_sise: 64\nqueue_deph: 3");

    assertThat(read().faults())
        .extracting(Fault::value)
        .anySatisfy(value -> assertThat(value).contains("max_batch_sise"))
        .anySatisfy(value -> assertThat(value).contains("queue_deph"));
  }

  @Test
  void unknownFieldBreaksTheFamilyThatTheFileNames() throws IOException {
    edit(VISION, "max_batch_size: 64", "max_batch_sise: 64");

    assertThat(read().broken()).extracting(BrokenFamily::name).containsExactly("pico");
  }

  @Test
  void textThatIsNoConfigurationBreaksAFamilyNamedAsItsFolder() throws IOException {
    Files.writeString(root.resolve(VISION), "{ this is not: protobuf");

    ModelRepository repository = read();

    assertThat(repository.broken())
        .extracting(BrokenFamily::name)
        .containsExactly("pico", "pico_vision");
    assertThat(repository.families()).isEmpty();
    assertThat(repository.faults()).extracting(Fault::field).contains("parameters.image_features");
  }

  @Test
  void fieldThatIsNotHonouredIsAWarningThatNamesIt() throws IOException {
    edit(
        VISION,
        "dynamic_batching { }",
        "response_cache { enable: true }\n"
            + "optimization { graph { level: 1 } cuda { graphs: true } }");

    ModelRepository repository = read();

    assertThat(repository.faults()).isEmpty();
    assertThat(repository.warnings())
        .extracting(Fault::field)
        .containsExactlyInAnyOrder("response_cache", "optimization.cuda");
    assertThat(vision(repository).graphLevel()).isEqualTo(1);
  }

  @Test
  void dynamicBatchingIsReadWhole() throws IOException {
    edit(
        VISION,
        "dynamic_batching { }",
        """
        dynamic_batching {
          preferred_batch_size: [ 16, 8 ]
          max_queue_delay_microseconds: 100
          preserve_ordering: true
          priority_levels: 3
          default_priority_level: 2
          default_queue_policy { default_timeout_microseconds: 5000 max_queue_size: 32 }
          priority_queue_policy { key: 3 value { timeout_action: DELAY max_queue_size: 4 } }
        }
        """);

    assertThat(vision(read()).batchPolicy())
        .isEqualTo(
            new BatchPolicy(
                List.of(8, 16),
                Duration.ofNanos(100_000),
                true,
                3,
                2,
                new BatchPolicy.Queue(Duration.ofMillis(5), false, 32),
                Map.of(3, new BatchPolicy.Queue(Duration.ZERO, true, 4))));
  }

  @Test
  void instanceGroupsAddUpAndThoseOnGpusAreWarnedOf() throws IOException {
    edit(VISION, "instance_group [", "instance_group [ { count: 3 kind: KIND_GPU gpus: [ 0 ] },");

    ModelRepository repository = read();

    assertThat(vision(repository).instances()).isEqualTo(5);
    assertThat(repository.warnings())
        .extracting(Fault::field)
        .containsExactlyInAnyOrder("instance_group.kind", "instance_group.gpus");
  }

  @Test
  void newestVersionIsServedUnlessThePolicySaysAnother() throws IOException {
    addVersion("pico_vision", "3");
    addVersion("pico_vision", "20");

    assertThat(vision(read()).version()).isEqualTo("20");
    edit(
        VISION, "max_batch_size", "version_policy { specific { versions: [ 3 ] } } max_batch_size");
    assertThat(vision(read()).version()).isEqualTo("3");
    edit(VISION, "[ 3 ]", "[ 4 ]");
    assertThat(read().faults())
        .singleElement()
        .satisfies(fault -> assertThat(fault.expected()).contains("[4]"));
  }

  @Test
  void modelFileMustBeThereAndInsideItsVersion() throws IOException {
    edit(VISION, "max_batch_size", "default_model_filename: \"../../x.onnx\" max_batch_size");
    assertThat(read().faults()).extracting(Fault::field).containsExactly("default_model_filename");

    edit(VISION, "../../x.onnx", "x.onnx");
    assertThat(read().faults()).extracting(Fault::file).containsExactly("pico_vision/1/x.onnx");
  }

  @Test
  void membersOfAFamilyMustAgree() throws IOException {
    String space = vision(read()).parameters().get("space");
    edit(TEXT, space, "elsewhere");
    edit("pico_text/assets/config.json", "\"logit_scale\": ", "\"logit_scale\": 1");

    assertThat(read().faults())
        .extracting(Fault::field)
        .containsExactlyInAnyOrder("parameters.space", "logit_scale");
  }

  @Test
  void twoModelsCannotHaveOneRole() throws IOException {
    edit(TEXT, "value: { string_value: \"text\" }", "value: { string_value: \"vision\" }");

    assertThat(read().faults())
        .isNotEmpty()
        .allSatisfy(fault -> assertThat(fault.file()).startsWith("pico_text/"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "projection_dim": | "projection_dim": 7, "was": | projection_dim
          "logit_scale":    | "logit_scale": 0, "was":    | logit_scale
          "model_type":     | "rejection_threshold": 7, "model_type": | rejection_threshold
          "rejection_margin": | "rejection_margin": 3, "was": | rejection_margin
          "rejection_margin": | "was": | rejection_margin
          "rejection_background": [ | "rejection_background": [ 2, | rejection_background
          "rejection_background": [ | "rejection_background": [ 0.5, | rejection_background
          "rejection_background": | "was": | rejection_background
          "model_type":     | "matryoshka_dims": [64, "x"], "model_type": | matryoshka_dims
          """)
  void settingOutOfRangeIsAFault(String from, String to, String field) throws IOException {
    edit("pico_vision/assets/config.json", from, to);

    assertThat(read().faults())
        .anySatisfy(fault -> {
          assertThat(fault.file()).isEqualTo("pico_vision/assets/config.json");
          assertThat(fault.field()).isEqualTo(field);
        });
  }

  @Test
  void folderWithoutModelsIsRefused() throws IOException {
    Path empty = Files.createDirectory(root.resolve(".empty"));

    assertThatThrownBy(() -> ModelRepository.read(empty, DECODER))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("no model folder in it");
    assertThatThrownBy(() -> ModelRepository.read(root.resolve("nowhere"), DECODER))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("no folder");
  }

  private ModelRepository read() {
    return ModelRepository.read(root, DECODER);
  }

  private static ServableModel vision(ModelRepository repository) {
    Map<String, ModelFamily> families = repository.families();
    return families.values().iterator().next().member(Role.VISION).orElseThrow();
  }

  private void addVersion(String model, String version) throws IOException {
    Path folder = Files.createDirectory(root.resolve(model).resolve(version));
    Files.writeString(folder.resolve("model.onnx"), "version " + version);
  }

  private void edit(String file, String from, String to) throws IOException {
    Path path = root.resolve(file);
    String text = Files.readString(path);
    assertThat(text).contains(from);
    Files.writeString(path, text.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
  }
}
