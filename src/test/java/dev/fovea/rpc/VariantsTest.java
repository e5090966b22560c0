package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.classify;
import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import dev.fovea.model.ModelRepository;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Item;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The repositories of `model-variants/`: each is whole and sees what is in the examples.
@Timeout(120)
final class VariantsTest {
  private static final Path VARIANTS = Path.of("model-variants");
  private static final Path EXAMPLES = Path.of("examples");

  static List<Path> variants() throws IOException {
    try (Stream<Path> folders = Files.list(VARIANTS)) {
      return folders.filter(Files::isDirectory).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void isARepositoryWithoutFault(Path variant) {
    ModelRepository repository = ModelRepository.read(variant, "");

    assertThat(repository.faults()).isEmpty();
    assertThat(repository.warnings()).isEmpty();
    assertThat(repository.families()).containsOnlyKeys("pico");
  }

  @ParameterizedTest
  @MethodSource("variants")
  void namesTheOneThingInAPicture(Path variant) throws IOException {
    Map<String, String> truth = pictures();

    try (TestGateway gateway = TestGateway.start(Map.of("fovea.repository", variant.toString()))) {
      var service = ClassificationServiceGrpc.newBlockingStub(gateway.channel());
      String[] labels = truth.values().stream().distinct().toArray(String[]::new);
      truth.forEach((file, kind) -> {
        ClassifyResponse response =
            service.classify(classify(image(EXAMPLES.resolve(file)), labels));

        assertThat(response.getResults(0).getClassification().getScores(0).getLabel())
            .as(file)
            .isEqualTo(kind);
      });
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void givesAPictureTheSameVectorAloneAndBesideOthers(Path variant) throws IOException {
    List<Item> items =
        pictures().keySet().stream().map(file -> image(EXAMPLES.resolve(file))).toList();

    try (TestGateway gateway =
        TestGateway.start(
            Map.of("fovea.repository", variant.toString(), "fovea.cache.max-bytes", "0"))) {
      var service = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
      EmbedResponse together = service.embed(embed(items.toArray(Item[]::new)));
      for (int i = 0; i < items.size(); i++) {
        List<Float> beside = vector(together, i);
        List<Float> alone = vector(service.embed(embed(items.get(i))), 0);
        for (int j = 0; j < alone.size(); j++) {
          assertThat(alone.get(j)).isCloseTo(beside.get(j), within(1e-5f));
        }
      }
    }
  }

  private static List<Float> vector(EmbedResponse response, int index) {
    return response.getResults(index).getEmbedding().getVector().getFloats().getValuesList();
  }

  /// The kind by the file, where there is one in the picture.
  private static Map<String, String> pictures() throws IOException {
    JsonNode captions = new ObjectMapper().readTree(EXAMPLES.resolve("captions.json").toFile());
    Map<String, String> pictures = new TreeMap<>();
    captions
        .properties()
        .forEach(one -> {
          JsonNode things = one.getValue().path("things");
          if (things.size() == 1) {
            pictures.put(one.getKey(), things.path(0).path("kind").asText());
          }
        });
    return pictures;
  }
}
