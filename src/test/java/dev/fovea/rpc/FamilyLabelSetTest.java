package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.app.HeadModels;
import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.Activation;
import dev.fovea.v1.Classification;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassificationServiceGrpc.ClassificationServiceBlockingStub;
import dev.fovea.v1.ClassifyMode;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.CreateLabelSetRequest;
import dev.fovea.v1.DeleteLabelSetRequest;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.ExtractPatchFeaturesRequest;
import dev.fovea.v1.GetLabelSetRequest;
import dev.fovea.v1.Item;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelScore;
import dev.fovea.v1.LabelSet;
import dev.fovea.v1.LabelSetServiceGrpc;
import dev.fovea.v1.LabelSetServiceGrpc.LabelSetServiceBlockingStub;
import dev.fovea.v1.ListLabelSetsRequest;
import dev.fovea.v1.ListLabelSetsResponse;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.PatchVectors;
import dev.fovea.v1.UpdateLabelSetRequest;
import io.grpc.Status.Code;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A label set of a family's own, beside those that are kept.
@Timeout(120)
final class FamilyLabelSetTest {
  private static final String NAME = "pico/emotion";

  private static TestGateway gateway;
  private static ClassificationServiceBlockingStub service;
  private static LabelSetServiceBlockingStub sets;

  @BeforeAll
  static void start(@TempDir Path models, @TempDir Path kept) {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.repository",
                HeadModels.repository(models).toString(),
                "fovea.label-sets.folder",
                kept.toString()));
    service = ClassificationServiceGrpc.newBlockingStub(gateway.channel());
    sets = LabelSetServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static ClassifyRequest classify(Item... items) {
    return ClassifyRequest.newBuilder().addAllItems(List.of(items)).setLabelSet(NAME).build();
  }

  /// The model's logits are means of features, which another service tells.
  @Test
  void scoresAreTheSoftmaxOfWhatTheModelSays() {
    Classification classification =
        service.classify(classify(noise(3))).getResults(0).getClassification();

    double[] logits = meansOfFeatures(noise(3));
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit);
    }
    assertThat(classification.getActivation()).isEqualTo(Activation.ACTIVATION_SOFTMAX);
    assertThat(classification.getRejected()).isFalse();
    assertThat(classification.getScoresList())
        .hasSize(HeadModels.EMOTIONS.size())
        .isSortedAccordingTo((a, b) -> Float.compare(b.getLogit(), a.getLogit()));
    for (LabelScore score : classification.getScoresList()) {
      int label = score.getLabelIndex();
      assertThat(score.getLabel()).isEqualTo(HeadModels.EMOTIONS.get(label));
      assertThat(score.getLogit()).isCloseTo((float) logits[label], within(1e-4f));
      assertThat(score.getProbability())
          .isCloseTo((float) (Math.exp(logits[label]) / sum), within(1e-4f));
      assertThat(score.getCosine()).isZero();
    }
  }

  private static double[] meansOfFeatures(Item item) {
    PatchVectors features =
        DensePredictionServiceGrpc.newBlockingStub(gateway.channel())
            .extractPatchFeatures(
                ExtractPatchFeaturesRequest.newBuilder()
                    .setImage(item.getContent().getImage())
                    .build())
            .getFeatures();
    FloatBuffer floats =
        features.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    int patches = features.getRows() * features.getColumns();
    double[] means = new double[HeadModels.EMOTIONS.size()];
    for (int patch = 0; patch < patches; patch++) {
      for (int i = 0; i < means.length; i++) {
        means[i] += (double) floats.get(patch * features.getDimension() + i) / patches;
      }
    }
    return means;
  }

  @Test
  void topKAndLeastScoreHoldAndFaultyItemsAreTheirOwn() {
    ClassifyResponse response =
        service.classify(
            classify(noise(1), image(new byte[1]), text("no picture"), noise(2)).toBuilder()
                .setTopK(2)
                .build());

    assertThat(response.getResults(0).getClassification().getScoresCount()).isEqualTo(2);
    Refusal.of(response.getResults(1).getError().getStatus())
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.UNSUPPORTED_IMAGE_FORMAT,
            "items[1].content.image.content");
    Refusal.of(response.getResults(2).getError().getStatus())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[2].content");
    assertThat(response.getResults(3).hasClassification()).isTrue();
    assertThat(
            service
                .classify(classify(noise(1)).toBuilder().setMinScore(1).build())
                .getResults(0)
                .getClassification()
                .getScoresCount())
        .isZero();
  }

  @Test
  void imagesThatAreAllFaultyAreAnsweredToo() {
    assertThat(service.classify(classify(image(new byte[1]))).getResults(0).hasError()).isTrue();
  }

  @Test
  void whatHasNoMeaningForItIsRefused() {
    ClassifyRequest good = classify(noise(1));

    Refusal.of(() -> service.classify(good.toBuilder().addHypothesisTemplates("a {}").build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "hypothesis_templates");
    Refusal.of(() -> service.classify(good.toBuilder().setRejectionThreshold(0.5f).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "rejection_threshold");
    Refusal.of(() ->
            service.classify(
                good.toBuilder().setMode(ClassifyMode.CLASSIFY_MODE_MULTI_LABEL).build()))
        .mustBe(Code.FAILED_PRECONDITION, Reason.TASK_NOT_SUPPORTED);
    Refusal.of(() ->
            service.classify(
                good.toBuilder().setModel(ModelSelector.newBuilder().setModel("nobody")).build()))
        .mustBe(Code.NOT_FOUND, Reason.MODEL_NOT_FOUND, "model.model");
    Refusal.of(() -> service.classify(good.toBuilder().setTopK(0).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "top_k");
    for (String nobodys : List.of("pico/mood", "nobody/emotion", "/", "pico/")) {
      Refusal.of(() -> service.classify(good.toBuilder().setLabelSet(nobodys).build()))
          .mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
    }
  }

  @Test
  void familyMayBeNamedTooAndOneOfItsModels() {
    for (String name : List.of("pico", "pico_emotion", "pico_vision")) {
      assertThat(
              service
                  .classify(
                      classify(noise(1)).toBuilder()
                          .setModel(ModelSelector.newBuilder().setModel(name))
                          .build())
                  .getResults(0)
                  .hasClassification())
          .isTrue();
    }
  }

  @Test
  void itIsToldWithItsLabels() {
    LabelSet set =
        sets.getLabelSet(GetLabelSetRequest.newBuilder().setName(NAME).build()).getLabelSet();

    assertThat(set.getLabelsList())
        .extracting(Label::getName)
        .containsExactlyElementsOf(HeadModels.EMOTIONS);
    assertThat(set.getEtag()).isNotEmpty();
    assertThat(set.hasCreateTime()).isFalse();
    Refusal.of(() -> sets.getLabelSet(GetLabelSetRequest.newBuilder().setName("pico/mood").build()))
        .mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
  }

  @Test
  void itIsListedAmongTheKeptOnesPageByPage() {
    for (String name : List.of("animals", "zoo")) {
      var _ =
          sets.createLabelSet(CreateLabelSetRequest.newBuilder().setLabelSet(set(name)).build());
    }

    List<String> names = new ArrayList<>();
    String token = "";
    do {
      ListLabelSetsResponse page =
          sets.listLabelSets(
              ListLabelSetsRequest.newBuilder().setPageSize(1).setPageToken(token).build());
      page.getLabelSetsList().forEach(set -> names.add(set.getName()));
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertThat(names).containsExactly("animals", NAME, "zoo");
  }

  @Test
  void itCannotBeChanged() {
    Refusal.of(() ->
            sets.createLabelSet(CreateLabelSetRequest.newBuilder().setLabelSet(set(NAME)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.name");
    Refusal.of(() ->
            sets.updateLabelSet(UpdateLabelSetRequest.newBuilder().setLabelSet(set(NAME)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.name");
    Refusal.of(() -> sets.deleteLabelSet(DeleteLabelSetRequest.newBuilder().setName(NAME).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "name");
  }

  private static LabelSet set(String name) {
    return LabelSet.newBuilder().setName(name).addLabels(Label.newBuilder().setName("x")).build();
  }
}
