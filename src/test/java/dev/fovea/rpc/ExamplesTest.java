package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageProcessors;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import dev.fovea.image.ProcessedImage;
import dev.fovea.image.codec.SniffingDecoder;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.text.HuggingFaceTokenizer;
import dev.fovea.text.Truncation;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.Embedding;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.ModelRef;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every picture of `examples/` and some texts, held against what Pillow, tokenizers and ONNX
/// Runtime make of them in Python (`training/golden`): the same patches and ids to the byte, the
/// same vectors to rounding.
@Timeout(120)
final class ExamplesTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/pico.json");
  private static final Path VISION_ASSETS = Path.of("model-repository/pico_vision/assets");
  private static final Path TEXT_ASSETS = Path.of("model-repository/pico_text/assets");
  private static final double SAME = 0.99999;

  private static TestGateway gateway;
  private static EmbeddingServiceBlockingStub service;
  private static JsonNode golden;

  @BeforeAll
  static void start() throws IOException {
    gateway = TestGateway.start();
    service = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
    golden = golden();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static JsonNode golden() throws IOException {
    return new ObjectMapper().readTree(GOLDEN.toFile());
  }

  static Stream<JsonNode> images() throws IOException {
    return stream(golden().path("images"));
  }

  static Stream<JsonNode> texts() throws IOException {
    return stream(golden().path("texts"));
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  @Test
  void goldenFileIsOfTheModelsThatAreServed() {
    EmbedResponse response = service.embed(embed(Requests.noise(1), text("a cat")));

    Map<String, String> served =
        response.getCallInfo().getModelsList().stream()
            .collect(Collectors.toMap(ModelRef::getModel, ModelRef::getArtifactDigest));
    golden
        .path("models")
        .properties()
        .forEach(
            model -> assertThat(served).containsEntry(model.getKey(), model.getValue().asText()));
  }

  @Test
  void goldenFileHasEveryPictureOfTheExamples() throws IOException {
    List<String> pictures;
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      pictures =
          files
              .map(Path::toString)
              .filter(file -> !file.endsWith(".md") && !file.endsWith(".json"))
              .toList();
    }
    assertThat(images().map(i -> i.path("file").asText()))
        .containsExactlyInAnyOrderElementsOf(pictures);
  }

  @ParameterizedTest
  @MethodSource("images")
  void patchesAreTheSameBytes(JsonNode picture) throws Exception {
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);
    ImageSource source =
        new ImageSource.Encoded(
            ByteBuffer.wrap(Files.readAllBytes(Path.of(picture.path("file").asText()))));
    Pixels pixels = decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);

    ProcessedImage processed =
        ImageProcessors.read(VISION_ASSETS).process(pixels, TensorAllocator.heap());

    assertThat(pixels.width()).isEqualTo(picture.path("width").asInt());
    assertThat(pixels.height()).isEqualTo(picture.path("height").asInt());
    assertThat(processed.patches()).isEqualTo(picture.path("patch_count").asInt());
    assertThat(processed.input("patch_positions").data().toArray(ValueLayout.JAVA_INT_UNALIGNED))
        .isEqualTo(ints(picture.path("patch_positions")));
    byte[] patches = processed.input("patches").data().toArray(ValueLayout.JAVA_BYTE);
    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(patches)))
        .isEqualTo(picture.path("patches_sha256").asText());
  }

  @ParameterizedTest
  @MethodSource("images")
  void vectorOfAPictureIsTheSame(JsonNode picture) {
    EmbedResponse response = service.embed(embed(image(Path.of(picture.path("file").asText()))));

    Embedding embedding = response.getResults(0).getEmbedding();
    assertThat(embedding.getOrientedWidth()).isEqualTo(picture.path("width").asInt());
    assertThat(embedding.getOrientedHeight()).isEqualTo(picture.path("height").asInt());
    assertThat(cosine(embedding, picture.path("image_embedding"))).isGreaterThan(SAME);
  }

  @ParameterizedTest
  @MethodSource("texts")
  void idsOfATextAreTheSame(JsonNode text) {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.read(TEXT_ASSETS)) {
      assertThat(tokenizer.encode(text.path("text").asText(), Truncation.ERROR).ids())
          .isEqualTo(stream(text.path("input_ids")).mapToLong(JsonNode::asLong).toArray());
    }
  }

  @ParameterizedTest
  @MethodSource("texts")
  void vectorOfATextIsTheSame(JsonNode text) {
    EmbedResponse response = service.embed(embed(text(text.path("text").asText())));

    Embedding embedding = response.getResults(0).getEmbedding();
    assertThat(embedding.getTokens()).isEqualTo(text.path("input_ids").size());
    assertThat(cosine(embedding, text.path("text_embedding"))).isGreaterThan(SAME);
  }

  private static int[] ints(JsonNode array) {
    return stream(array).mapToInt(JsonNode::asInt).toArray();
  }

  private static double cosine(Embedding embedding, JsonNode expected) {
    List<Float> actual = embedding.getVector().getFloats().getValuesList();
    assertThat(expected.size()).isEqualTo(actual.size());
    double dot = 0;
    double a = 0;
    double b = 0;
    for (int i = 0; i < actual.size(); i++) {
      dot += actual.get(i) * expected.get(i).asDouble();
      a += actual.get(i) * actual.get(i);
      b += expected.get(i).asDouble() * expected.get(i).asDouble();
    }
    return dot / Math.sqrt(a * b);
  }
}
