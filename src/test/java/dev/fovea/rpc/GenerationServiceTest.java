package dev.fovea.rpc;

import static dev.fovea.rpc.Questions.ask;
import static dev.fovea.rpc.Questions.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.fake.RealTriton;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.AnswerResponse;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.CaptionResult;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.ChoiceScore;
import dev.fovea.v1.Choices;
import dev.fovea.v1.Constraint;
import dev.fovea.v1.CountTokensRequest;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.Image;
import dev.fovea.v1.MapRelevanceRequest;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.RelevanceMap;
import dev.fovea.v1.ScoreChoicesRequest;
import dev.fovea.v1.ScoreChoicesResponse;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.StreamCaptionResponse;
import dev.fovea.v1.Task;
import dev.fovea.v1.TextGeneration;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `GenerationService` with a small decoder on the embedded engine, over a real channel; on a real
/// Triton it says the same.
@Timeout(180)
final class GenerationServiceTest {
  private static final Path REPOSITORY = DecoderRepository.make();
  private static TestGateway gateway;
  private static GenerationServiceBlockingStub service;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start(Map.of("fovea.repository", REPOSITORY.toString()));
    service = GenerationServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    Await.until(
        "nothing is left",
        Duration.ofSeconds(10),
        () -> gateway.metric("fovea.generation.sequences") == 0);
    gateway.close();
  }

  private static GeneratedText answer(GenerationOptions.Builder options) {
    return service.answer(ask(options)).getAnswer();
  }

  @Test
  void streamSaysWhatTheWholeAnswerSays() {
    for (int seed = 1; seed <= 8; seed++) {
      AnswerRequest request =
          ask(user("what is in the picture", seed)).toBuilder()
              .setOptions(GenerationOptions.newBuilder().setTemperature(1).setSeed(seed))
              .build();
      GeneratedText whole = service.answer(request).getAnswer();
      List<StreamAnswerResponse> parts = Questions.parts(service, request);

      assertThat(parts.getFirst().getStarted().getPromptTokens())
          .isEqualTo(whole.getPromptTokens());
      assertThat(parts.getFirst().getStarted().getModelsCount()).isEqualTo(2);
      assertThat(parts.subList(1, parts.size() - 1)).allMatch(StreamAnswerResponse::hasDelta);
      assertThat(Questions.text(parts)).isEqualTo(whole.getText()).isNotEmpty();
      assertThat(parts.getLast().getFinished().getFinishReason())
          .isEqualTo(whole.getFinishReason());
    }
  }

  @Test
  void captionsEachImageByItself() {
    CaptionRequest.Builder request = CaptionRequest.newBuilder();
    for (int image = 0; image < 12; image++) {
      request.addItems(image == 5 ? Requests.text("no image") : Requests.noise(image));
    }
    CaptionResponse together = service.caption(request.build());

    for (int image = 0; image < 12; image++) {
      CaptionResult result = together.getResults(image);
      if (image == 5) {
        Refusal.of(result.getError().getStatus())
            .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[5].content");
        continue;
      }
      StringBuilder alone = new StringBuilder();
      for (StreamCaptionResponse part : stream(Requests.noise(image).getContent().getImage())) {
        alone.append(part.getDelta().getText());
      }
      assertThat(result.getCaption().getText()).isEqualTo(alone.toString());
    }
    assertThat(together.getResultsList())
        .extracting(r -> r.getCaption().getText())
        .doesNotHaveDuplicates();
  }

  private static List<StreamCaptionResponse> stream(Image image) {
    List<StreamCaptionResponse> parts = new ArrayList<>();
    service
        .streamCaption(StreamCaptionRequest.newBuilder().setImage(image).build())
        .forEachRemaining(parts::add);
    return parts;
  }

  @Test
  void detailedCaptionHasAnotherPrompt() {
    CaptionRequest brief = CaptionRequest.newBuilder().addItems(Requests.noise(1)).build();
    CaptionRequest detailed =
        brief.toBuilder().setStyle(CaptionStyle.CAPTION_STYLE_DETAILED).build();

    assertThat(service.caption(brief).getResults(0).getCaption().getPromptTokens()).isEqualTo(2);
    assertThat(service.caption(detailed).getResults(0).getCaption().getPromptTokens()).isEqualTo(3);
  }

  @Test
  void greedyAnswersDoNotDependOnTheirNeighbours() throws Exception {
    List<AnswerRequest> requests =
        IntStream.range(0, 100)
            .mapToObj(
                i -> ask(user("what is " + i + " ".repeat(i % 3) + "x".repeat(i % 40), i % 10)))
            .toList();
    List<String> alone = new ArrayList<>();
    for (AnswerRequest request : requests) {
      alone.add(service.answer(request).getAnswer().getText());
    }
    try (ExecutorService callers = Executors.newFixedThreadPool(60)) {
      List<Callable<String>> calls = new ArrayList<>();
      requests.forEach(request -> calls.add(() -> service.answer(request).getAnswer().getText()));
      List<String> together = new ArrayList<>();
      for (Future<String> call : callers.invokeAll(calls)) {
        together.add(call.get());
      }
      assertThat(together).isEqualTo(alone);
    }
  }

  @Test
  void equalSeedsSayTheSameAndOthersDoNot() {
    GenerationOptions.Builder options = GenerationOptions.newBuilder().setTemperature(2);
    String first = answer(options.setSeed(1)).getText();

    assertThat(answer(options.setSeed(1)).getText()).isEqualTo(first);
    assertThat(answer(options.setSeed(2)).getText()).isNotEqualTo(first);
  }

  @Test
  void seedThatNobodyGaveIsTold() {
    GenerationOptions.Builder options = GenerationOptions.newBuilder().setTemperature(2);
    AnswerResponse response = service.answer(ask(options));

    assertThat(answer(options.setSeed(response.getEffectiveOptions().getSeed())).getText())
        .isEqualTo(response.getAnswer().getText());
  }

  @Test
  void textEndsBeforeAStopString() {
    GeneratedText whole = answer(GenerationOptions.newBuilder());
    String stop = whole.getText().substring(20, 27);
    GeneratedText stopped = answer(GenerationOptions.newBuilder().addStopStrings(stop));

    assertThat(stopped.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP_STRING);
    assertThat(stopped.getMatchedStop()).isEqualTo(stop);
    assertThat(stopped.getText())
        .isEqualTo(whole.getText().substring(0, whole.getText().indexOf(stop)));
  }

  @Test
  void textHasAsManyTokensAsItMustAndMay() {
    GeneratedText cut = answer(GenerationOptions.newBuilder().setMaxTokens(5));
    assertThat(cut.getTokenCount()).isEqualTo(5);
    assertThat(cut.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);

    GeneratedText natural = answer(GenerationOptions.newBuilder().setMaxTokens(100));
    assertThat(natural.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    int more = natural.getTokenCount() + 5;
    assertThat(
            answer(GenerationOptions.newBuilder().setMaxTokens(100).setMinTokens(more))
                .getTokenCount())
        .isGreaterThan(more);
  }

  @Test
  void logProbabilitiesAddUpAndAreTheModelsOwn() {
    GeneratedText text = answer(GenerationOptions.newBuilder().setLogProbabilities(3));
    double sum = 0;
    for (var token : text.getTokensList()) {
      sum += token.getLogProbability();
      assertThat(token.getAlternatives(0).getId()).isEqualTo(token.getId());
      assertThat(token.getAlternatives(1).getLogProbability())
          .isLessThanOrEqualTo(token.getLogProbability());
    }
    assertThat(text.getLogProbability()).isCloseTo((float) sum, within(1e-3f));
  }

  @Test
  void relevanceTellsForEachTokenWhereTheModelLooked() {
    for (float temperature : new float[] {0, 1}) {
      AnswerRequest.Builder request = ask(user("what is this", 3)).toBuilder();
      request.getOptionsBuilder().setRelevance(true).setTemperature(temperature).setSeed(7);
      GeneratedText whole = service.answer(request.build()).getAnswer();
      List<StreamAnswerResponse> parts = Questions.parts(service, request.build());

      assertThat(whole.getTokensCount()).isEqualTo(whole.getTokenCount());
      assertThat(whole.getTokensList())
          .allSatisfy(token -> {
            assertThat(token.getAlternativesCount()).isZero();
            RelevanceMap map = token.getRelevance(0);
            assertThat(map.getScoresList()).hasSize(64).allMatch(score -> score >= 0);
            assertThat(map.getScoresList().stream().mapToDouble(Float::doubleValue).sum())
                .isCloseTo(1, within(1e-4));
            assertThat(map.getScores(map.getBestRow() * 8 + map.getBestColumn()))
                .isEqualTo(map.getBestScore())
                .isEqualTo(Collections.max(map.getScoresList()));
          });
      assertThat(whole.getTokensList().stream().map(token -> token.getRelevance(0)).distinct())
          .hasSizeGreaterThan(1);
      assertThat(Questions.tokens(parts)).isEqualTo(whole.getTokensList());
      assertThat(parts.getFirst().getStarted().getRelevanceGeometriesList())
          .isEqualTo(whole.getRelevanceGeometriesList());
    }
  }

  @Test
  void relevanceLiesOnTheImageAsThatOfTextsDoes() {
    Image image =
        Requests.raw(96, 48, new byte[96 * 48 * 3]).getContent().getImage().toBuilder()
            .setRegion(NormalizedBox.newBuilder().setXMin(0.25f).setXMax(1).setYMax(0.5f))
            .build();
    GridGeometry expected =
        DensePredictionServiceGrpc.newBlockingStub(gateway.channel())
            .mapRelevance(
                MapRelevanceRequest.newBuilder().setImage(image).addTexts("a cat").build())
            .getGeometry();
    CaptionRequest.Builder request =
        CaptionRequest.newBuilder().addItems(Requests.image(image)).addItems(Requests.noise(2));
    request.getOptionsBuilder().setRelevance(true);
    CaptionResponse captions = service.caption(request.build());

    assertThat(captions.getResults(0).getCaption().getRelevanceGeometriesList())
        .containsExactly(expected);
    assertThat(captions.getResults(0).getCaption().getTokens(0).getRelevance(0).getScoresCount())
        .isEqualTo(expected.getRows() * expected.getColumns())
        .isLessThan(64);
    assertThat(captions.getResults(1).getCaption().getTokens(0).getRelevance(0).getScoresCount())
        .isEqualTo(64);
  }

  @Test
  void textsAreTheSameWithTheirRelevanceAndWithout() throws Exception {
    List<AnswerRequest> plain =
        IntStream.range(0, 24).mapToObj(i -> ask(user("what is " + i % 12, i % 6))).toList();
    List<Callable<GeneratedText>> calls = new ArrayList<>();
    for (int i = 0; i < plain.size(); i++) {
      AnswerRequest.Builder request = plain.get(i).toBuilder();
      request.getOptionsBuilder().setRelevance(i < 12);
      calls.add(() -> service.answer(request.build()).getAnswer());
    }
    try (ExecutorService callers = Executors.newFixedThreadPool(24)) {
      List<Future<GeneratedText>> texts = callers.invokeAll(calls);
      for (int i = 0; i < 12; i++) {
        assertThat(texts.get(i).get().getText()).isEqualTo(texts.get(i + 12).get().getText());
        assertThat(texts.get(i).get().getTokensCount()).isPositive();
        assertThat(texts.get(i + 12).get().getTokensCount()).isZero();
        assertThat(texts.get(i + 12).get().getRelevanceGeometriesCount()).isZero();
      }
    }
  }

  @Test
  void constrainedAnswerKeepsItsRule() {
    AnswerRequest.Builder request = ask(user("how many", 1)).toBuilder();
    request.getConstraintBuilder().setRegex("[0-9]{2} (cats|dogs)");
    assertThat(service.answer(request.build()).getAnswer().getText())
        .matches("[0-9]{2} (cats|dogs)");

    request
        .getConstraintBuilder()
        .setChoices(Choices.newBuilder().addValues("yes").addValues("no"));
    GeneratedText choice = service.answer(request.build()).getAnswer();
    assertThat(choice.getText()).isIn("yes", "no");
    assertThat(choice.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);

    request.getConstraintBuilder().setRegex("x{60,}");
    GeneratedText cut = service.answer(request.build()).getAnswer();
    assertThat(cut.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);
    assertThat(cut.getText()).matches("x+");
  }

  @Test
  void likeliestChoiceIsTheOneThatTheModelWouldSay() {
    GeneratedText said = answer(GenerationOptions.newBuilder().setMaxTokens(6));
    ScoreChoicesResponse response =
        service.scoreChoices(
            ScoreChoicesRequest.newBuilder()
                .addTurns(user("what is this", 1))
                .setChoices(
                    Choices.newBuilder()
                        .addValues("zebra")
                        .addValues(said.getText())
                        .addValues("q"))
                .build());

    assertThat(response.getScoresList())
        .extracting(ChoiceScore::getValue)
        .element(1)
        .isEqualTo(said.getText());
    assertThat(response.getScores(1).getProbability())
        .isGreaterThan(response.getScores(0).getProbability());
    assertThat(response.getScoresList().stream().mapToDouble(ChoiceScore::getProbability).sum())
        .isCloseTo(1, within(1e-5));
  }

  @Test
  void specialTokensInAQuestionAreText() {
    int plain = count("what is this");
    assertThat(count("what is </s> this")).isGreaterThan(plain + 2);
  }

  private static int count(String question) {
    return service
        .countTokens(CountTokensRequest.newBuilder().addTurns(user(question, 1)).build())
        .getTextTokens();
  }

  @Test
  void moreBeamsFindNothingLessLikely() {
    for (int image = 1; image <= 6; image++) {
      double greedy = mean(image, 1);
      double beams = mean(image, 4);
      assertThat(beams).as("image " + image).isGreaterThanOrEqualTo(greedy - 0.02);
    }
  }

  private static double mean(int image, int beams) {
    GeneratedText text =
        service
            .caption(
                CaptionRequest.newBuilder()
                    .addItems(Requests.noise(image))
                    .setOptions(GenerationOptions.newBuilder().setBeams(beams).setMaxTokens(100))
                    .build())
            .getResults(0)
            .getCaption();
    return text.getLogProbability() / text.getTokenCount();
  }

  @Test
  void modelServiceTellsWhatTheDecoderCanDo() {
    var family =
        ModelServiceGrpc.newBlockingStub(gateway.channel())
            .getModel(GetModelRequest.newBuilder().setModel("pico").build())
            .getFamily();
    TextGeneration generation = family.getTextGeneration();

    assertThat(family.getTasksList()).contains(Task.TASK_CAPTION, Task.TASK_ANSWER);
    assertThat(generation.getMaxImages()).isEqualTo(1);
    assertThat(generation.getContextLength()).isEqualTo(128);
    assertThat(generation.getDefaultMaxTokens()).isEqualTo(48);
    assertThat(generation.getConstraintsCount()).isEqualTo(3);
    assertThat(generation.getBeamSearch()).isTrue();
    assertThat(generation.getRelevance()).isTrue();
    assertThat(generation.getMaxSequences()).isEqualTo(128);
    assertThat(
            HealthGrpc.newBlockingStub(gateway.channel())
                .check(
                    HealthCheckRequest.newBuilder()
                        .setService(GenerationServiceGrpc.SERVICE_NAME)
                        .build())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void realTritonSaysTheSame() {
    try (RealTriton triton = RealTriton.start(List.of(REPOSITORY));
        TestGateway elsewhere =
            TestGateway.start(
                Map.of(
                    "fovea.repository",
                    REPOSITORY.toString(),
                    "fovea.triton.servers",
                    triton.address()))) {
      GenerationServiceBlockingStub remote =
          GenerationServiceGrpc.newBlockingStub(elsewhere.channel());
      for (int image = 0; image < 4; image++) {
        AnswerRequest request = ask(user("what is in the picture " + "x".repeat(image * 9), image));
        assertThat(Questions.text(Questions.parts(remote, request)))
            .isEqualTo(service.answer(request).getAnswer().getText());
      }
      AnswerRequest looking = ask(GenerationOptions.newBuilder().setRelevance(true));
      GeneratedText here = service.answer(looking).getAnswer();
      GeneratedText there = remote.answer(looking).getAnswer();
      assertThat(there.getRelevanceGeometriesList()).isEqualTo(here.getRelevanceGeometriesList());
      assertThat(there.getTokensCount()).isEqualTo(here.getTokensCount()).isPositive();
      for (int token = 0; token < here.getTokensCount(); token++) {
        RelevanceMap expected = here.getTokens(token).getRelevance(0);
        for (int cell = 0; cell < expected.getScoresCount(); cell++) {
          assertThat(there.getTokens(token).getRelevance(0).getScores(cell))
              .isCloseTo(expected.getScores(cell), within(1e-5f));
        }
      }
      Constraint constraint = Constraint.newBuilder().setRegex("[a-d]{3}").build();
      AnswerRequest held = ask(user("which", 1)).toBuilder().setConstraint(constraint).build();
      assertThat(remote.answer(held).getAnswer()).isEqualTo(service.answer(held).getAnswer());
    }
  }
}
