package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.raw;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.app.HeadModels;
import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.DensePredictionServiceGrpc.DensePredictionServiceBlockingStub;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.EstimateDepthResponse;
import dev.fovea.v1.ExtractPatchFeaturesRequest;
import dev.fovea.v1.ExtractPatchFeaturesResponse;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.LogitCalibration;
import dev.fovea.v1.MapRelevanceRequest;
import dev.fovea.v1.MapRelevanceResponse;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.PatchVectors;
import dev.fovea.v1.PixelBox;
import dev.fovea.v1.RelevanceMap;
import dev.fovea.v1.Task;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// `DensePredictionService` with the shipped encoders and a depth model of this test, over a real
/// channel.
@Timeout(120)
final class DensePredictionServiceTest {
  private static final int WIDTH = 48;
  private static final int HEIGHT = 32;

  private static TestGateway gateway;
  private static DensePredictionServiceBlockingStub service;

  @BeforeAll
  static void start(@TempDir Path folder) {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.repository",
                HeadModels.repository(folder).toString(),
                "fovea.limits.max-labels",
                "9",
                "fovea.limits.max-prompts",
                "10"));
    service = DensePredictionServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void scoreIsTheCosineOfThePatchAndTheText() {
    MapRelevanceResponse response = service.mapRelevance(map(picture(), "a cat", "a red car"));

    PatchVectors patches =
        service
            .extractPatchFeatures(
                features(picture()).toBuilder().setIncludeEmbeddings(true).build())
            .getEmbeddings();
    List<float[]> texts = textVectors("a cat", "a red car");
    assertThat(response.getMapsCount()).isEqualTo(2);
    for (int t = 0; t < 2; t++) {
      RelevanceMap map = response.getMaps(t);
      assertThat(map.getScoresCount()).isEqualTo(patches.getRows() * patches.getColumns());
      for (int cell = 0; cell < map.getScoresCount(); cell++) {
        assertThat(map.getScores(cell))
            .isCloseTo((float) cosine(vector(patches, cell), texts.get(t)), within(1e-5f));
      }
    }
  }

  @Test
  void bestIsTheFirstPatchWithTheGreatestScore() {
    MapRelevanceRequest request = map(picture(), "a cat", "a dog");
    MapRelevanceResponse all = service.mapRelevance(request);
    MapRelevanceResponse best = service.mapRelevance(request.toBuilder().setBestOnly(true).build());

    assertThat(best.getGeometry()).isEqualTo(all.getGeometry());
    for (int t = 0; t < 2; t++) {
      RelevanceMap map = all.getMaps(t);
      int cell = map.getBestRow() * all.getGeometry().getColumns() + map.getBestColumn();
      assertThat(map.getScores(cell)).isEqualTo(map.getBestScore());
      assertThat(map.getScoresList()).allMatch(score -> score <= map.getBestScore());
      assertThat(best.getMaps(t)).isEqualTo(map.toBuilder().clearScores().build());
    }
  }

  @Test
  void probabilityIsTheSigmoidOfTheBestScore() {
    LogitCalibration patches =
        ModelServiceGrpc.newBlockingStub(gateway.channel())
            .getModel(GetModelRequest.newBuilder().setModel("pico").build())
            .getFamily()
            .getEmbeddingSpace()
            .getPatches();

    RelevanceMap map = service.mapRelevance(map(picture(), "a cat")).getMaps(0);

    double logit = map.getBestScore() * patches.getScale() + patches.getBias();
    assertThat(patches.getScale()).isPositive();
    assertThat(map.getProbability()).isCloseTo((float) (1 / (1 + Math.exp(-logit))), within(1e-5f));
  }

  @Test
  void textIsTheMeanOverItsTemplates() {
    RelevanceMap map =
        service
            .mapRelevance(
                map(picture(), "a cat").toBuilder()
                    .addHypothesisTemplates("a picture of {}")
                    .addHypothesisTemplates("{} in a drawing")
                    .build())
            .getMaps(0);

    List<float[]> both = textVectors("a picture of a cat", "a cat in a drawing");
    float[] mean = new float[both.get(0).length];
    for (int i = 0; i < mean.length; i++) {
      mean[i] = both.get(0)[i] + both.get(1)[i];
    }
    PatchVectors patches =
        service
            .extractPatchFeatures(
                features(picture()).toBuilder().setIncludeEmbeddings(true).build())
            .getEmbeddings();
    assertThat(map.getScores(0)).isCloseTo((float) cosine(vector(patches, 0), mean), within(1e-5f));
  }

  @Test
  void gridCoversTheRegionThatWasLookedAtAsAnImageOfItsOwn() {
    NormalizedBox right =
        NormalizedBox.newBuilder().setXMin(0.5f).setYMin(0).setXMax(1).setYMax(1).build();
    Image half = picture().toBuilder().setRegion(right).build();

    MapRelevanceResponse whole = service.mapRelevance(map(picture(), "a cat"));
    MapRelevanceResponse seen = service.mapRelevance(map(half, "a cat"));
    MapRelevanceResponse own = service.mapRelevance(map(pixels(WIDTH / 2, 0, WIDTH / 2), "a cat"));

    assertThat(whole.getGeometry())
        .isEqualTo(geometry(6, 9, box(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT));
    assertThat(seen.getGeometry().getBox()).isEqualTo(box(WIDTH / 2, 0, WIDTH / 2, HEIGHT));
    assertThat(seen.getGeometry().getOrientedWidth()).isEqualTo(WIDTH);
    assertThat(seen.getMapsList()).isEqualTo(own.getMapsList());
  }

  @Test
  void whatReadsPatchesSeesThemFinerThanWhatEmbeds(@TempDir Path folder) throws IOException {
    Path processor =
        HeadModels.repository(folder).resolve("pico_vision/assets/preprocessor_config.json");
    String most = "\"max_num_patches\": 64,";
    String plain = Files.readString(processor);
    assertThat(plain).contains(most);
    Files.writeString(processor, plain.replace(most, most + " \"detailed_max_num_patches\": 144,"));
    EmbedRequest embed = Requests.embed(raw(WIDTH, HEIGHT, new byte[WIDTH * HEIGHT * 3]));

    try (TestGateway finer = TestGateway.start(Map.of("fovea.repository", folder.toString()))) {
      DensePredictionServiceBlockingStub there =
          DensePredictionServiceGrpc.newBlockingStub(finer.channel());
      GridGeometry patches = geometry(10, 14, box(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT);
      assertThat(there.mapRelevance(map(picture(), "a cat")).getGeometry()).isEqualTo(patches);
      assertThat(there.extractPatchFeatures(features(picture())).getGeometry()).isEqualTo(patches);
      assertThat(there.estimateDepth(depth(picture())).getGeometry())
          .isEqualTo(patches.toBuilder().setRows(40).setColumns(56).build());
      assertThat(
              EmbeddingServiceGrpc.newBlockingStub(finer.channel())
                  .embed(embed)
                  .getResults(0)
                  .getEmbedding()
                  .getVector())
          .isEqualTo(
              EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                  .embed(embed)
                  .getResults(0)
                  .getEmbedding()
                  .getVector());
    }
  }

  @Test
  void depthsOfAllPatchesAreOneGridOfFinerCells() {
    EstimateDepthResponse response = service.estimateDepth(depth(picture()));

    GridGeometry patches = service.mapRelevance(map(picture(), "a cat")).getGeometry();
    GridGeometry cells = response.getGeometry();
    assertThat(cells)
        .isEqualTo(
            patches.toBuilder()
                .setRows(4 * patches.getRows())
                .setColumns(4 * patches.getColumns())
                .build());
    assertThat(response.getDepthsCount()).isEqualTo(cells.getRows() * cells.getColumns());
    for (int row = 0; row < cells.getRows(); row++) {
      for (int column = 0; column < cells.getColumns(); column++) {
        assertThat(response.getDepths(row * cells.getColumns() + column))
            .isCloseTo(row + column / 100f, within(1e-4f));
      }
    }
    assertThat(response.getCallInfo().getModelsList())
        .extracting(ModelRef::getRole)
        .containsExactly("vision", "depth");
    assertThat(response.getCallInfo().getUsage().getImages()).isEqualTo(1);
  }

  @Test
  void featuresAreOneVectorAPatchWithoutPadding() {
    ExtractPatchFeaturesResponse plain = service.extractPatchFeatures(features(picture()));

    PatchVectors features = plain.getFeatures();
    assertThat(features.getRows()).isEqualTo(plain.getGeometry().getRows());
    assertThat(features.getColumns()).isEqualTo(plain.getGeometry().getColumns());
    assertThat(features.getDimension()).isEqualTo(224);
    assertThat(features.getData().size())
        .isEqualTo(4 * features.getRows() * features.getColumns() * features.getDimension());
    for (int cell = 0; cell < features.getRows() * features.getColumns(); cell++) {
      assertThat(vector(features, cell)).isNotEqualTo(new float[features.getDimension()]);
    }
    assertThat(plain.hasEmbeddings()).isFalse();
  }

  @Test
  void whatAFamilyCanDoIsTold() {
    assertThat(
            ModelServiceGrpc.newBlockingStub(gateway.channel())
                .getModel(GetModelRequest.newBuilder().setModel("pico").build())
                .getFamily()
                .getTasksList())
        .contains(
            Task.TASK_MAP_RELEVANCE,
            Task.TASK_ESTIMATE_DEPTH,
            Task.TASK_EXTRACT_PATCH_FEATURES,
            Task.TASK_CLASSIFY_EMOTION);
    assertThat(
            HealthGrpc.newBlockingStub(gateway.channel())
                .check(
                    HealthCheckRequest.newBuilder()
                        .setService("fovea.v1.DensePredictionService")
                        .build())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void familyWithoutADepthModelRefusesDepthAlone(@TempDir Path folder) {
    Path repository = HeadModels.repository(folder);
    assertThat(repository.resolve("pico_depth/config.pbtxt").toFile().delete()).isTrue();
    assertThat(repository.resolve("pico_depth/1/model.onnx").toFile().delete()).isTrue();
    assertThat(repository.resolve("pico_depth/1").toFile().delete()).isTrue();
    assertThat(repository.resolve("pico_depth").toFile().delete()).isTrue();
    try (TestGateway other = TestGateway.start(Map.of("fovea.repository", repository.toString()))) {
      DensePredictionServiceBlockingStub stub =
          DensePredictionServiceGrpc.newBlockingStub(other.channel());

      Refusal.of(() ->
              stub.estimateDepth(
                  depth(picture()).toBuilder()
                      .setModel(ModelSelector.newBuilder().setModel("pico"))
                      .build()))
          .mustBe(Code.FAILED_PRECONDITION, Reason.TASK_NOT_SUPPORTED);
      assertThat(stub.mapRelevance(map(picture(), "a cat")).getMapsCount()).isEqualTo(1);
    }
  }

  private record Bad(Code code, Reason reason, String field, MapRelevanceRequest request) {}

  static Stream<Arguments> badRequests() {
    MapRelevanceRequest good = map(picture(), "a cat");
    Image broken = image(new byte[9]).getContent().getImage();
    Image nobodys = Image.newBuilder().setHandle("nobody's").build();
    Image edge = picture().toBuilder().setRegion(NormalizedBox.newBuilder().setXMin(0.5f)).build();
    String chapter = "word ".repeat(500);
    return Stream.of(
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "image",
                good.toBuilder().clearImage().build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "image.source",
                map(Image.getDefaultInstance(), "a cat")),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.UNSUPPORTED_IMAGE_FORMAT,
                "image.content",
                map(broken, "a cat")),
            new Bad(
                Code.NOT_FOUND, Reason.IMAGE_HANDLE_EXPIRED, "image.handle", map(nobodys, "a cat")),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "image.region.x_max",
                map(edge, "a cat")),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "image.frame_index",
                map(picture().toBuilder().setFrameIndex(1).build(), "a cat")),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "texts",
                good.toBuilder().clearTexts().build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "texts[1]",
                good.toBuilder().addTexts("").build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.TEXT_TOO_LONG,
                "texts[1]",
                good.toBuilder().addTexts("a".repeat(8193)).build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.TEXT_TOO_LONG,
                "texts[1]",
                good.toBuilder().addTexts(chapter).build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.TOO_MANY_ITEMS,
                "texts",
                map(picture(), "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.TOO_MANY_ITEMS,
                "texts × templates",
                map(picture(), "a", "b", "c", "d", "e", "f").toBuilder()
                    .addHypothesisTemplates("a {}")
                    .addHypothesisTemplates("the {}")
                    .build()),
            new Bad(
                Code.INVALID_ARGUMENT,
                Reason.INVALID_FIELD,
                "hypothesis_templates[0]",
                good.toBuilder().addHypothesisTemplates("nothing").build()),
            new Bad(
                Code.NOT_FOUND,
                Reason.MODEL_NOT_FOUND,
                "model.model",
                good.toBuilder().setModel(ModelSelector.newBuilder().setModel("nobody")).build()))
        .map(bad -> Arguments.of(bad));
  }

  @ParameterizedTest
  @MethodSource("badRequests")
  void badRequestIsRefusedWithTheFieldAtFault(Bad bad) {
    Refusal.of(() -> service.mapRelevance(bad.request()))
        .mustBe(bad.code(), bad.reason(), bad.field());
  }

  @Test
  void badImageIsRefusedByEveryCall() {
    Image broken = image(new byte[9]).getContent().getImage();

    Refusal.of(() -> service.estimateDepth(depth(broken)))
        .mustBe(Code.INVALID_ARGUMENT, Reason.UNSUPPORTED_IMAGE_FORMAT, "image.content");
    Refusal.of(() -> service.estimateDepth(EstimateDepthRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image");
    Refusal.of(() -> service.extractPatchFeatures(features(broken)))
        .mustBe(Code.INVALID_ARGUMENT, Reason.UNSUPPORTED_IMAGE_FORMAT, "image.content");
  }

  /// A picture that is not square, and like no other part of itself.
  private static Image picture() {
    return pixels(0, 0, WIDTH);
  }

  /// Some columns of the picture.
  private static Image pixels(int left, int top, int width) {
    byte[] whole = new byte[WIDTH * HEIGHT * 3];
    new Random(7).nextBytes(whole);
    byte[] part = new byte[width * HEIGHT * 3];
    for (int y = 0; y < HEIGHT; y++) {
      System.arraycopy(whole, ((y + top) * WIDTH + left) * 3, part, y * width * 3, width * 3);
    }
    return raw(width, HEIGHT, part).getContent().getImage();
  }

  private static MapRelevanceRequest map(Image image, String... texts) {
    return MapRelevanceRequest.newBuilder().setImage(image).addAllTexts(List.of(texts)).build();
  }

  private static EstimateDepthRequest depth(Image image) {
    return EstimateDepthRequest.newBuilder().setImage(image).build();
  }

  private static ExtractPatchFeaturesRequest features(Image image) {
    return ExtractPatchFeaturesRequest.newBuilder().setImage(image).build();
  }

  private static PixelBox box(int left, int top, int width, int height) {
    return PixelBox.newBuilder()
        .setLeft(left)
        .setTop(top)
        .setWidth(width)
        .setHeight(height)
        .build();
  }

  private static GridGeometry geometry(int rows, int columns, PixelBox box, int width, int height) {
    return GridGeometry.newBuilder()
        .setRows(rows)
        .setColumns(columns)
        .setBox(box)
        .setOrientedWidth(width)
        .setOrientedHeight(height)
        .build();
  }

  private static float[] vector(PatchVectors vectors, int cell) {
    FloatBuffer floats =
        vectors.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] vector = new float[vectors.getDimension()];
    floats.get(cell * vector.length, vector);
    return vector;
  }

  private static List<float[]> textVectors(String... texts) {
    Item[] items = Stream.of(texts).map(Requests::text).toArray(Item[]::new);
    return EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
        .embed(embed(items))
        .getResultsList()
        .stream()
        .map(result -> {
          List<Float> values = result.getEmbedding().getVector().getFloats().getValuesList();
          float[] vector = new float[values.size()];
          for (int i = 0; i < vector.length; i++) {
            vector[i] = values.get(i);
          }
          return vector;
        })
        .toList();
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }
}
