package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.classify;
import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.Activation;
import dev.fovea.v1.Classification;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassificationServiceGrpc.ClassificationServiceBlockingStub;
import dev.fovea.v1.ClassifyMode;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingSpace;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelScore;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.WarningCode;
import io.grpc.Status.Code;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `ClassificationService` with the shipped models, over a real channel.
@Timeout(120)
final class ClassificationServiceTest {
  private static TestGateway gateway;
  private static ClassificationServiceBlockingStub service;
  private static EmbeddingSpace space;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start();
    service = ClassificationServiceGrpc.newBlockingStub(gateway.channel());
    space =
        ModelServiceGrpc.newBlockingStub(gateway.channel())
            .getModel(GetModelRequest.newBuilder().setModel("pico").build())
            .getFamily()
            .getEmbeddingSpace();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void labelsThatExcludeEachOtherShareOneProbability() {
    Classification classification = only(classify(noise(1), "a cat", "a dog", "a red car"));

    assertThat(classification.getActivation()).isEqualTo(Activation.ACTIVATION_SOFTMAX);
    assertThat(classification.getScoresList())
        .extracting(LabelScore::getProbability)
        .isSortedAccordingTo((a, b) -> Float.compare(b, a));
    assertThat(
            classification.getScoresList().stream().mapToDouble(LabelScore::getProbability).sum())
        .isCloseTo(1, within(1e-5));
    for (LabelScore score : classification.getScoresList()) {
      assertThat(score.getLogit())
          .isCloseTo(
              score.getCosine() * space.getSingleLabel().getScale()
                  + space.getSingleLabel().getBias(),
              within(1e-3f));
    }
  }

  @Test
  void labelsThatDoNotExcludeEachOtherHaveProbabilitiesOfTheirOwn() {
    Classification classification =
        only(
            classify(noise(1), "a cat", "a dog").toBuilder()
                .setMode(ClassifyMode.CLASSIFY_MODE_MULTI_LABEL)
                .build());

    assertThat(classification.getActivation()).isEqualTo(Activation.ACTIVATION_SIGMOID);
    for (LabelScore score : classification.getScoresList()) {
      double logit =
          score.getCosine() * space.getMultiLabel().getScale() + space.getMultiLabel().getBias();
      assertThat(score.getProbability())
          .isCloseTo((float) (1 / (1 + Math.exp(-logit))), within(1e-4f));
    }
  }

  @Test
  void cosineIsThatOfTheNormalisedMeanOverPromptsAndTemplates() {
    ClassifyRequest.Builder request =
        classify(noise(5)).toBuilder()
            .addHypothesisTemplates("a picture of {}")
            .addHypothesisTemplates("{} in a drawing");
    request
        .getLabelListBuilder()
        .addLabels(Label.newBuilder().setName("pet").addPrompts("a cat").addPrompts("a dog"));
    EmbedResponse embedded =
        EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
            .embed(
                embed(
                    noise(5),
                    text("a picture of a cat"),
                    text("a cat in a drawing"),
                    text("a picture of a dog"),
                    text("a dog in a drawing")));

    double[] mean = new double[space.getDimension()];
    for (int i = 1; i <= 4; i++) {
      List<Float> vector = vector(embedded, i);
      for (int k = 0; k < mean.length; k++) {
        mean[k] += vector.get(k);
      }
    }
    double dot = 0;
    double norm = 0;
    for (int k = 0; k < mean.length; k++) {
      dot += mean[k] * vector(embedded, 0).get(k);
      norm += mean[k] * mean[k];
    }
    assertThat(only(request.build()).getScores(0).getCosine())
        .isCloseTo((float) (dot / Math.sqrt(norm)), within(1e-5f));
  }

  private static List<Float> vector(EmbedResponse response, int item) {
    return response.getResults(item).getEmbedding().getVector().getFloats().getValuesList();
  }

  @Test
  void reportsAsManyLabelsAsWantedAndNoneBelowTheLeastScore() {
    ClassifyRequest request = classify(noise(1), "a cat", "a dog", "a car", "a tree");
    List<LabelScore> all = only(request).getScoresList();

    assertThat(only(request.toBuilder().setTopK(2).build()).getScoresList())
        .isEqualTo(all.subList(0, 2));
    float second = all.get(1).getProbability();
    assertThat(only(request.toBuilder().setMinScore(second).build()).getScoresList())
        .isEqualTo(all.subList(0, 2));
  }

  @Test
  void callsThresholdStandsInForTheFamilysMarginAndScoresAreStillGiven() {
    ClassifyRequest cat = classify(image(Path.of("examples/cat.jpg")), "a cat", "a dog");
    ClassifyRequest noise = classify(noise(1), "a cat", "a dog");

    Classification certain = only(cat.toBuilder().setRejectionThreshold(0.999f).build());
    Classification anything = only(noise.toBuilder().setRejectionThreshold(-1).build());

    assertThat(certain.getRejected()).isTrue();
    assertThat(certain.getScoresList()).hasSize(2);
    assertThat(anything.getRejected()).isFalse();
  }

  /// Noise was a ferris wheel before the encoder learned that some pictures show nothing.
  @Test
  void familysOwnMarginPassesWhatItKnowsAndRejectsTheRestWhateverTheLabels() {
    assertThat(space.hasRejectionMargin()).isTrue();
    for (String[] labels :
        List.of(new String[] {"a cat", "a dog"}, new String[] {"a cat", "a ferris wheel"})) {
      assertThat(only(classify(image(Path.of("examples/cat.jpg")), labels)).getRejected())
          .isFalse();
      assertThat(only(classify(image(Path.of("examples/photo-temple.jpg")), labels)).getRejected())
          .isTrue();
      assertThat(only(classify(noise(1), labels)).getRejected()).isTrue();
    }
  }

  @Test
  void labelGivenTwiceIsScoredTwiceAndWarnedOf() {
    ClassifyResponse response = service.classify(classify(noise(1), "a cat", "a cat"));

    assertThat(response.getResults(0).getClassification().getScoresList())
        .extracting(LabelScore::getLabelIndex)
        .containsExactly(0, 1);
    assertThat(response.getCallInfo().getWarningsList())
        .singleElement()
        .satisfies(warning -> {
          assertThat(warning.getCode()).isEqualTo(WarningCode.WARNING_CODE_DUPLICATE_LABEL);
          assertThat(warning.hasItemIndex()).isFalse();
        });
  }

  @Test
  void brokenImageIsItsOwnItemsErrorAndTheOthersAreAnswered() {
    ClassifyResponse response =
        service.classify(
            classify(noise(1), "a cat").toBuilder()
                .addItems(image(new byte[1]))
                .addItems(noise(2))
                .build());

    assertThat(response.getResults(0).hasClassification()).isTrue();
    Refusal.of(response.getResults(1).getError().getStatus())
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.UNSUPPORTED_IMAGE_FORMAT,
            "items[1].content.image.content");
    assertThat(response.getResults(2).hasClassification()).isTrue();
  }

  private static Classification only(ClassifyRequest request) {
    return service.classify(request).getResults(0).getClassification();
  }
}
