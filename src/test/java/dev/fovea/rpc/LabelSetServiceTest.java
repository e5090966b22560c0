package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassificationServiceGrpc.ClassificationServiceBlockingStub;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.CreateLabelSetRequest;
import dev.fovea.v1.DeleteLabelSetRequest;
import dev.fovea.v1.GetLabelSetRequest;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelScore;
import dev.fovea.v1.LabelSet;
import dev.fovea.v1.LabelSetServiceGrpc;
import dev.fovea.v1.LabelSetServiceGrpc.LabelSetServiceBlockingStub;
import dev.fovea.v1.ListLabelSetsRequest;
import dev.fovea.v1.ListLabelSetsResponse;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.UpdateLabelSetRequest;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `LabelSetService` and `Classify` by a set's name, over a real channel.
@Timeout(60)
final class LabelSetServiceTest {
  @TempDir private Path folder;
  private TestGateway gateway;
  private LabelSetServiceBlockingStub sets;
  private ClassificationServiceBlockingStub classification;

  @BeforeEach
  void start() {
    open(TestGateway.start(settings()));
  }

  /// The encoders alone: sets of a family's own are judged elsewhere.
  private Map<String, String> settings() {
    return Map.of(
        "fovea.repository",
        TestGateway.ENCODERS.toString(),
        "fovea.label-sets.folder",
        folder.toString(),
        "fovea.label-sets.max-sets",
        "5");
  }

  private void open(TestGateway opened) {
    gateway = opened;
    sets = LabelSetServiceGrpc.newBlockingStub(gateway.channel());
    classification = ClassificationServiceGrpc.newBlockingStub(gateway.channel());
  }

  private void reopen() {
    gateway.close();
    start();
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private static LabelSet.Builder set(String name, String... labels) {
    return LabelSet.newBuilder()
        .setName(name)
        .addAllLabels(Requests.labels(labels).getLabelsList());
  }

  private LabelSet create(LabelSet.Builder set) {
    return sets.createLabelSet(CreateLabelSetRequest.newBuilder().setLabelSet(set).build())
        .getLabelSet();
  }

  private LabelSet get(String name) {
    return sets.getLabelSet(GetLabelSetRequest.newBuilder().setName(name).build()).getLabelSet();
  }

  private LabelSet update(LabelSet.Builder set) {
    return sets.updateLabelSet(UpdateLabelSetRequest.newBuilder().setLabelSet(set).build())
        .getLabelSet();
  }

  private void delete(String name, String etag) {
    var _ =
        sets.deleteLabelSet(DeleteLabelSetRequest.newBuilder().setName(name).setEtag(etag).build());
  }

  private ClassifyResponse classify(String set) {
    return classification.classify(
        ClassifyRequest.newBuilder().addItems(noise(1)).setLabelSet(set).build());
  }

  // --- Sets ---

  @Test
  void keepsASetBeyondItsOwnLife() {
    LabelSet created =
        create(
            set("pets", "cat")
                .addLabels(
                    Label.newBuilder().setName("dog").addPrompts("a dog").addPrompts("a puppy"))
                .addHypothesisTemplates("a photo of {}"));
    assertThat(created.getEtag()).isNotEmpty();
    assertThat(created.getLabels(0).getPromptsList()).containsExactly("cat");
    assertThat(created.getCreateTime()).isEqualTo(created.getUpdateTime());

    reopen();

    assertThat(get("pets")).isEqualTo(created);
  }

  @Test
  void setOfAnotherGatewayIsSeenAtOnce() {
    LabelSet created = create(set("pets", "cat"));
    try (TestGateway other = TestGateway.start(settings())) {
      LabelSetServiceBlockingStub others = LabelSetServiceGrpc.newBlockingStub(other.channel());
      GetLabelSetRequest pets = GetLabelSetRequest.newBuilder().setName("pets").build();
      assertThat(others.getLabelSet(pets).getLabelSet()).isEqualTo(created);

      LabelSet updated = update(set("pets", "cat", "dog"));

      assertThat(others.getLabelSet(pets).getLabelSet()).isEqualTo(updated);
      delete("pets", "");
      Refusal.of(() -> others.getLabelSet(pets)).mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
    }
  }

  @Test
  void updateReplacesAllOfItAndChangesTheEtag() {
    LabelSet before = create(set("pets", "cat").addHypothesisTemplates("a photo of {}"));

    LabelSet after = update(set("pets", "cat", "dog"));

    assertThat(after.getLabelsList()).extracting(Label::getName).containsExactly("cat", "dog");
    assertThat(after.getHypothesisTemplatesList()).isEmpty();
    assertThat(after.getEtag()).isNotEqualTo(before.getEtag());
    assertThat(after.getCreateTime()).isEqualTo(before.getCreateTime());
    assertThat(get("pets")).isEqualTo(after);
  }

  @Test
  void changeOfWhatHasChangedMeanwhileIsRefused() {
    LabelSet first = create(set("pets", "cat"));
    LabelSet second = update(set("pets", "dog").setEtag(first.getEtag()));

    Refusal late = Refusal.of(() -> update(set("pets", "bird").setEtag(first.getEtag())));

    late.mustBe(Code.ABORTED, Reason.LABEL_SET_CHANGED);
    assertThat(late.metadata()).containsEntry("etag", second.getEtag());
    Refusal.of(() -> delete("pets", first.getEtag()))
        .mustBe(Code.ABORTED, Reason.LABEL_SET_CHANGED);
    assertThat(get("pets")).isEqualTo(second);
    delete("pets", second.getEtag());
    Refusal.of(() -> get("pets")).mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
  }

  @Test
  void ofManyUpdatesAtOnceOneWins() throws Exception {
    LabelSet first = create(set("pets", "cat"));
    int won = 0;
    try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
      List<Future<LabelSet>> updates = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        LabelSet.Builder next = set("pets", "label " + i).setEtag(first.getEtag());
        updates.add(callers.submit(() -> update(next)));
      }
      for (Future<LabelSet> update : updates) {
        try {
          assertThat(update.get()).isEqualTo(get("pets"));
          won++;
        } catch (ExecutionException e) {
          Refusal.of(
                  () -> {
                    throw e.getCause();
                  })
              .mustBe(Code.ABORTED, Reason.LABEL_SET_CHANGED);
        }
      }
    }
    assertThat(won).isEqualTo(1);
  }

  @Test
  void listsByNamePageByPageWithoutLabels() {
    for (String name : List.of("c", "a", "d", "b")) {
      create(set(name, "cat"));
    }
    List<String> names = new ArrayList<>();
    String token = "";
    do {
      ListLabelSetsResponse page =
          sets.listLabelSets(
              ListLabelSetsRequest.newBuilder().setPageSize(2).setPageToken(token).build());
      assertThat(page.getLabelSetsCount()).isEqualTo(2);
      page.getLabelSetsList().forEach(set -> names.add(set.getName()));
      assertThat(page.getLabelSetsList()).allMatch(set -> set.getLabelsCount() == 0);
      token = page.getNextPageToken();
      if (names.size() == 2) {
        // A token whose set is gone still says where to go on.
        delete("b", "");
        create(set("b", "cat"));
      }
    } while (!token.isEmpty());

    assertThat(names).containsExactly("a", "b", "c", "d");
    assertThat(gateway.metric("fovea.label.sets")).isEqualTo(4);
    Refusal.of(() -> sets.listLabelSets(ListLabelSetsRequest.newBuilder().setPageSize(-1).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "page_size");
    Refusal.of(() ->
            sets.listLabelSets(ListLabelSetsRequest.newBuilder().setPageToken("../x").build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "page_token");
  }

  @Test
  void refusesWhatIsThereAlreadyAndWhatIsTooMuch() {
    for (String name : List.of("a", "b", "c", "d", "e")) {
      create(set(name, "cat"));
    }

    Refusal.of(() -> create(set("a", "dog"))).mustBe(Code.ALREADY_EXISTS, Reason.LABEL_SET_EXISTS);
    Refusal full = Refusal.of(() -> create(set("f", "dog")));
    full.mustBe(Code.RESOURCE_EXHAUSTED, Reason.LABEL_SET_STORE_FULL);
    assertThat(full.metadata()).containsEntry("maxLabelSets", "5");
    delete("c", "");
    create(set("f", "dog"));
  }

  @Test
  void refusesSetsThatMakeNoSenseByField() {
    for (String name :
        List.of("", ".", "..", "../x", "a/b/c", "a/", "A", "-a", "a b", "a\0", "x".repeat(65))) {
      Refusal.of(() -> create(set(name, "cat")))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.name");
      Refusal.of(() -> get(name)).mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "name");
      Refusal.of(() -> delete(name, ""))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "name");
    }
    Refusal.of(() -> create(set("a")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.labels");
    Refusal.of(() -> create(set("a", "cat", "")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.labels[1].name");
    Refusal.of(() -> create(set("a", "cat").addHypothesisTemplates("no place")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set.hypothesis_templates[0]");
    Refusal.of(() -> sets.createLabelSet(CreateLabelSetRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_set");
    Refusal.of(() -> update(set("nobody", "cat")))
        .mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
  }

  @Test
  void withoutAFolderNoneAreKept() {
    gateway.close();
    open(TestGateway.start(Map.of("fovea.repository", TestGateway.ENCODERS.toString())));

    Refusal.of(() -> create(set("pets", "cat")))
        .mustBe(Code.FAILED_PRECONDITION, Reason.TASK_NOT_SUPPORTED);
    Refusal.of(() -> get("pets")).mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
    Refusal.of(() -> classify("pets")).mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
    assertThat(sets.listLabelSets(ListLabelSetsRequest.getDefaultInstance()).getLabelSetsList())
        .isEmpty();
  }

  // --- Classifying with them ---

  @Test
  void classifiesAsWithTheLabelsThemselves() {
    create(set("pets", "a cat", "a dog", "a bird"));
    ClassifyResponse expected =
        classification.classify(Requests.classify(noise(1), "a cat", "a dog", "a bird"));

    ClassifyResponse response = classify("pets");

    List<LabelScore> scores = response.getResults(0).getClassification().getScoresList();
    List<LabelScore> alike = expected.getResults(0).getClassification().getScoresList();
    assertThat(scores).extracting(LabelScore::getLabel).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(scores.get(i).getLabel()).isEqualTo(alike.get(i).getLabel());
      assertThat(scores.get(i).getCosine()).isCloseTo(alike.get(i).getCosine(), within(1e-5f));
    }
    assertThat(response.getCallInfo().getModelsList())
        .extracting(ModelRef::getModel)
        .containsExactlyInAnyOrder("pico_vision", "pico_text");
  }

  @Test
  void textsAreEmbeddedOnceAndKeptBeyondTheServersLife() throws IOException {
    create(set("pets", "a cat", "a dog"));
    assertThat(classify("pets").getCallInfo().getUsage().getTexts()).isPositive();
    assertThat(classify("pets").getCallInfo().getUsage().getTexts()).isZero();
    ClassifyResponse before = classify("pets");
    assertThat(vectorFiles()).hasSize(1);

    reopen();

    ClassifyResponse after = classify("pets");
    assertThat(after.getCallInfo().getUsage().getTexts()).isZero();
    assertThat(after.getResults(0).getClassification().getScoresList())
        .isEqualTo(before.getResults(0).getClassification().getScoresList());
  }

  @Test
  void changedSetIsEmbeddedAnew() throws IOException {
    create(set("pets", "a cat", "a dog"));
    classify("pets");

    update(set("pets", "a cat", "a car", "a house"));

    assertThat(vectorFiles()).isEmpty();
    ClassifyResponse response = classify("pets");
    assertThat(response.getCallInfo().getUsage().getTexts()).isPositive();
    assertThat(response.getResults(0).getClassification().getScoresCount()).isEqualTo(3);
    delete("pets", "");
    Refusal.of(() -> classify("pets")).mustBe(Code.NOT_FOUND, Reason.LABEL_SET_NOT_FOUND);
    assertThat(vectorFiles()).isEmpty();
  }

  @Test
  void vectorsThatAreNotWholeAreMadeAnew() throws IOException {
    create(set("pets", "a cat", "a dog"));
    classify("pets");
    for (Path file : vectorFiles()) {
      Files.write(file, new byte[] {1, 2, 3});
    }

    reopen();

    assertThat(classify("pets").getCallInfo().getUsage().getTexts()).isPositive();
    assertThat(Files.size(vectorFiles().getFirst())).isGreaterThan(100);
  }

  @Test
  void sentencesOfTheCallGoBeforeThoseOfTheSet() throws IOException {
    create(set("pets", "a cat", "a dog").addHypothesisTemplates("{}"));

    ClassifyResponse response =
        classification.classify(
            ClassifyRequest.newBuilder()
                .addItems(noise(1))
                .setLabelSet("pets")
                .addHypothesisTemplates("a painting of {}")
                .build());

    assertThat(response.getCallInfo().getUsage().getTexts()).isEqualTo(2);
    assertThat(vectorFiles()).isEmpty();
  }

  @Test
  void promptThatTheFamilyCannotReadIsNamed() {
    create(
        set("long", "a cat")
            .addLabels(Label.newBuilder().setName("b").addPrompts("apple ".repeat(100))));

    Refusal.of(() -> classify("long"))
        .mustBe(Code.INVALID_ARGUMENT, Reason.TEXT_TOO_LONG, "label_set.labels[1].prompts[0]");
  }

  @Test
  void manyCallsAtOnceEmbedTheTextsOnce() throws Exception {
    gateway.close();
    GateScript script = new GateScript();
    open(TestGateway.start(settings(), clock -> new ScriptedEngine(script, clock, 256)));
    create(set("pets", "a cat"));
    int before = script.executions();
    try (ExecutorService callers = Executors.newFixedThreadPool(16)) {
      List<Future<ClassifyResponse>> calls = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        calls.add(callers.submit(() -> classify("pets")));
      }
      for (Future<ClassifyResponse> call : calls) {
        assertThat(call.get().getResults(0).hasClassification()).isTrue();
      }
    }
    // Sixteen images, and the texts once.
    assertThat(script.executions() - before).isLessThanOrEqualTo(17);
  }

  private List<Path> vectorFiles() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".vectors")).toList();
    }
  }
}
