package dev.fovea.rpc;

import static dev.fovea.rpc.Questions.ask;
import static dev.fovea.rpc.Questions.assistant;
import static dev.fovea.rpc.Questions.user;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.AnswerResponse;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.Choices;
import dev.fovea.v1.Constraint;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.RelevanceMap;
import dev.fovea.v1.ScoreChoicesRequest;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.Turn;
import io.grpc.Context;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Bad input and faults of `GenerationService`, over a real channel, with a decoder that does what
/// the test wants. After each, nothing is left under way.
@Timeout(120)
final class GenerationFaultsTest {
  private static final Duration WITHIN = Duration.ofSeconds(10);
  private static final int MAX_IMAGES = 3;

  private static final DecoderScript SCRIPT = new DecoderScript();
  private static TestGateway gateway;
  private static GenerationServiceBlockingStub service;

  @BeforeAll
  static void start() {
    String repository =
        DecoderRepository.make(config ->
                config
                    .replace(
                        "key: \"max_images\"\n  value: { string_value: \"1\" }",
                        "key: \"max_images\"\n  value: { string_value: \"" + MAX_IMAGES + "\" }")
                    .replace("dims: [ -1, 64 ]", "dims: [ -1, -1 ]"))
            .toString();
    gateway =
        TestGateway.start(
            Map.of("fovea.repository", repository), clock -> new ScriptedEngine(SCRIPT, clock, 64));
    service = GenerationServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @AfterEach
  void nothingIsLeft() {
    SCRIPT.behave();
    for (String gauge :
        List.of(
            "fovea.generation.sequences",
            "fovea.generation.texts",
            "fovea.admission.items",
            "fovea.cpu.waiting",
            "fovea.decoded.bytes",
            "fovea.features.pending",
            "fovea.rpc.inflight")) {
      Await.until(gauge + " is 0", WITHIN, () -> gateway.metric(gauge) == 0);
    }
  }

  private static void refused(AnswerRequest request, Code code, Reason reason, String field) {
    Refusal.of(() -> service.answer(request)).mustBe(code, reason, field);
    Refusal.of(() -> service.streamAnswer(Questions.stream(request)).hasNext())
        .mustBe(code, reason, field);
  }

  @Test
  void conversationsThatAreNoneAreRefusedByTheirField() {
    Code invalid = Code.INVALID_ARGUMENT;
    Turn shown = user("what is this", 1);
    refused(ask(), invalid, Reason.INVALID_FIELD, "turns");
    refused(ask(user(" ", 1)), invalid, Reason.INVALID_FIELD, "turns[0].parts");
    refused(ask(user("", 1)), invalid, Reason.INVALID_FIELD, "turns[0].parts[1].text.value");
    refused(ask(user("what is this")), invalid, Reason.INVALID_FIELD, "turns");
    refused(ask(user("what", 1, 2, 3, 4)), invalid, Reason.TOO_MANY_ITEMS, "turns");
    refused(ask(user("why ".repeat(400), 1)), invalid, Reason.TEXT_TOO_LONG, "turns");
    refused(
        ask(shown.toBuilder().setRoleValue(9).build()),
        invalid,
        Reason.INVALID_FIELD,
        "turns[0].role");
    refused(ask(shown, assistant("a cat")), invalid, Reason.INVALID_FIELD, "turns[1].role");
    refused(ask(shown, user("and now")), invalid, Reason.INVALID_FIELD, "turns[1].role");
    refused(
        ask(
            shown,
            assistant("a cat").toBuilder().addParts(Requests.noise(1).getContent()).build(),
            user("and now")),
        invalid,
        Reason.INVALID_FIELD,
        "turns[1].parts[1]");
  }

  @Test
  void optionsOutOfRangeOrAgainstEachOtherAreRefusedByTheirField() {
    Map<String, GenerationOptions.Builder> wrong =
        Map.ofEntries(
            Map.entry("max_tokens", GenerationOptions.newBuilder().setMaxTokens(0)),
            Map.entry("min_tokens", GenerationOptions.newBuilder().setMaxTokens(3).setMinTokens(4)),
            Map.entry("temperature", GenerationOptions.newBuilder().setTemperature(Float.NaN)),
            Map.entry("top_k", GenerationOptions.newBuilder().setTemperature(1).setTopK(0)),
            Map.entry("top_p", GenerationOptions.newBuilder().setTemperature(1).setTopP(0)),
            Map.entry("min_p", GenerationOptions.newBuilder().setTemperature(1).setMinP(2)),
            Map.entry(
                "repetition_penalty", GenerationOptions.newBuilder().setRepetitionPenalty(-1)),
            Map.entry("stop_strings[0]", GenerationOptions.newBuilder().addStopStrings("")),
            Map.entry("log_probabilities", GenerationOptions.newBuilder().setLogProbabilities(21)),
            Map.entry("beams", GenerationOptions.newBuilder().setBeams(2)));
    wrong.forEach((option, options) ->
        refused(ask(options), Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "options." + option));
    refused(
        ask(GenerationOptions.newBuilder().setTopK(3)),
        Code.INVALID_ARGUMENT,
        Reason.INVALID_FIELD,
        "options.temperature");
  }

  @Test
  void constraintsThatAreNoneAreRefusedByTheirField() {
    Map<String, Constraint> wrong =
        Map.of(
            "constraint.kind",
            Constraint.getDefaultInstance(),
            "constraint.regex",
            Constraint.newBuilder().setRegex("(").build(),
            "constraint.json_schema",
            Constraint.newBuilder().setJsonSchema("[]").build(),
            "constraint.choices.values",
            Constraint.newBuilder().setChoices(Choices.getDefaultInstance()).build(),
            "constraint.choices.values[1]",
            Constraint.newBuilder()
                .setChoices(Choices.newBuilder().addValues("a").addValues("a"))
                .build());
    int looks = SCRIPT.looks();
    wrong.forEach((field, constraint) ->
        Refusal.of(() ->
                service.answer(ask(user("what", 77)).toBuilder().setConstraint(constraint).build()))
            .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, field));
    Refusal.of(() ->
            service.answer(
                ask(user("what", 77)).toBuilder()
                    .setConstraint(Constraint.newBuilder().setRegex("(a|b)*a(a|b){20}"))
                    .build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.CONSTRAINT_TOO_COMPLEX, "constraint");
    assertThat(SCRIPT.looks()).isEqualTo(looks);
  }

  @Test
  void beamsNeedAnEngineThatForks() {
    Refusal.of(() ->
            service.caption(
                CaptionRequest.newBuilder()
                    .addItems(Requests.noise(1))
                    .setOptions(GenerationOptions.newBuilder().setBeams(2))
                    .build()))
        .mustBe(Code.FAILED_PRECONDITION, Reason.TASK_NOT_SUPPORTED);
  }

  @Test
  void beamsAndRelevanceDoNotGoTogether() {
    CaptionRequest.Builder request = CaptionRequest.newBuilder().addItems(Requests.noise(1));
    request.getOptionsBuilder().setBeams(2).setRelevance(true);
    Refusal.of(() -> service.caption(request.build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "options.beams");
  }

  @Test
  void imageThatIsNoneIsRefusedByItsField() {
    Refusal.of(() -> service.streamCaption(StreamCaptionRequest.getDefaultInstance()).hasNext())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image.source");
    StreamCaptionRequest.Builder request = StreamCaptionRequest.newBuilder();
    request.getImageBuilder().setContent(ByteString.copyFromUtf8("no image"));
    Refusal.of(() -> service.streamCaption(request.build()).hasNext())
        .mustBe(Code.INVALID_ARGUMENT, Reason.UNSUPPORTED_IMAGE_FORMAT, "image.content");
  }

  @Test
  void severalImagesReachTheDecoderOneAfterTheOther() {
    service.answer(ask(user("what is this", 1)));
    long one = SCRIPT.patches();

    service.answer(ask(user("what are these", 1, 2), assistant("cats"), user("and this", 3)));

    assertThat(SCRIPT.patches()).isEqualTo(3 * one).isPositive();
  }

  @Test
  void relevanceIsToldForEachOfSeveralImages() {
    SCRIPT.lookAtLastOf(3 * DecoderScript.PATCHES, 0.75f);
    AnswerRequest.Builder request =
        ask(user("what are these", 1, 2), assistant("cats"), user("and this", 3)).toBuilder();
    request.getOptionsBuilder().setRelevance(true).setMaxTokens(2);

    GeneratedText answer = service.answer(request.build()).getAnswer();

    assertThat(answer.getRelevanceGeometriesCount()).isEqualTo(3);
    List<RelevanceMap> maps = answer.getTokens(1).getRelevanceList();
    assertThat(maps).hasSize(3).allMatch(map -> map.getScoresCount() == DecoderScript.PATCHES);
    assertThat(maps.stream().map(RelevanceMap::getBestScore)).containsExactly(0f, 0f, 0.75f);
    assertThat(maps.getLast().getBestRow()).isEqualTo(7);
    assertThat(maps.getLast().getBestColumn()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource({"63, 1", "64, NaN", "64, Infinity"})
  void relevanceThatNothingCanBeMadeOfIsTheModelsFault(int rows, float part) {
    SCRIPT.lookAtLastOf(rows, part);

    Refusal.of(() -> service.answer(ask(GenerationOptions.newBuilder().setRelevance(true))))
        .mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    assertThat(service.answer(ask(user("what is this", 1))).getAnswer().getText()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void logitsThatNothingCanBeMadeOfAreTheModelsFault(float logit) {
    SCRIPT.findLikely(logit);

    for (GenerationOptions.Builder options :
        List.of(GenerationOptions.newBuilder(), GenerationOptions.newBuilder().setTemperature(1))) {
      Refusal.of(() -> service.answer(ask(options))).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    }
    ScoreChoicesRequest.Builder choices =
        ScoreChoicesRequest.newBuilder().addTurns(user("what is this", 1));
    choices.getChoicesBuilder().addValues("yes").addValues("no");
    Refusal.of(() -> service.scoreChoices(choices.build()))
        .mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
  }

  @Test
  void relevanceNeedsADecoderThatTellsIt() {
    String repository =
        DecoderRepository.make(
                config -> config.replaceFirst(",\\s*\\{\\s*name: \"cross_attention\"[^}]*}", ""))
            .toString();
    try (TestGateway without =
        TestGateway.start(
            Map.of("fovea.repository", repository),
            clock -> new ScriptedEngine(SCRIPT, clock, 64))) {
      GenerationServiceBlockingStub there =
          GenerationServiceGrpc.newBlockingStub(without.channel());
      int looks = SCRIPT.looks();
      Refusal.of(() -> there.answer(ask(GenerationOptions.newBuilder().setRelevance(true))))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "options.relevance");
      assertThat(SCRIPT.looks()).isEqualTo(looks);
      assertThat(there.answer(ask(user("what is this", 1))).getAnswer().getText()).isNotEmpty();
      assertThat(
              ModelServiceGrpc.newBlockingStub(without.channel())
                  .getModel(GetModelRequest.newBuilder().setModel("pico").build())
                  .getFamily()
                  .getTextGeneration()
                  .getRelevance())
          .isFalse();
    }
  }

  @Test
  void imageIsLookedAtOnceOverCallsAndTurns() {
    int before = SCRIPT.looks();
    AnswerResponse first = service.answer(ask(user("what is this", 50)));
    AnswerResponse second =
        service.answer(ask(user("what is this", 50), assistant("a cat"), user("which colour")));

    assertThat(SCRIPT.looks()).isEqualTo(before + 1);
    assertThat(first.getCallInfo().getUsage().getImages()).isEqualTo(1);
    assertThat(second.getCallInfo().getUsage().getCachedImages()).isEqualTo(1);
  }

  @Test
  void deadlineInTheMiddleEndsWellWithTheTextSoFar() {
    SCRIPT.dawdle(Duration.ofMillis(40));
    AnswerRequest request = ask(user("what is this", 1));

    AnswerResponse whole = service.withDeadlineAfter(1, TimeUnit.SECONDS).answer(request);
    assertThat(whole.getAnswer().getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_DEADLINE);
    assertThat(whole.getAnswer().getTokenCount()).isBetween(1, 25);

    List<StreamAnswerResponse> parts =
        Questions.parts(service.withDeadlineAfter(1, TimeUnit.SECONDS), request);
    assertThat(parts.getLast().getFinished().getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_DEADLINE);
    assertThat(whole.getAnswer().getText()).isNotEmpty();
    assertThat(Questions.text(parts)).isNotEmpty();
  }

  @Test
  void deadlineBeforeTheFirstTokenIsRefused() {
    SCRIPT.dawdle(Duration.ofSeconds(20));
    assertThat(
            Refusal.of(() ->
                    service
                        .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                        .answer(ask(user("what is this", 1))))
                .code())
        .isEqualTo(Code.DEADLINE_EXCEEDED);
  }

  @Test
  void clientThatGoesAwayFreesItsPlace() {
    SCRIPT.dawdle(Duration.ofMillis(50));
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(() -> {
      Iterator<StreamAnswerResponse> parts =
          service.streamAnswer(Questions.stream(ask(user("what is this", 1))));
      parts.next();
      parts.next();
      assertThat(gateway.metric("fovea.generation.sequences")).isEqualTo(1);
      context.cancel(null);
    });
    Await.until(
        "the place is free", WITHIN, () -> gateway.metric("fovea.generation.sequences") == 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void engineThatBreaksEndsTheStreamAfterTheTextSoFar(int step) {
    SCRIPT.breakAt(step);
    Iterator<StreamAnswerResponse> parts =
        service.streamAnswer(Questions.stream(ask(user("what is this", 1))));
    List<StreamAnswerResponse> seen = new ArrayList<>();

    Refusal refusal = Refusal.of(() -> parts.forEachRemaining(seen::add));

    refusal.mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    assertThat(seen.stream().filter(StreamAnswerResponse::hasDelta)).hasSize(step - 1);
    Refusal.of(() -> service.answer(ask(user("what is this", 1))))
        .mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
  }

  @Test
  void tokensThatTheContextHasNoRoomForAreCutByLength() {
    AnswerResponse response =
        service.answer(
            ask(GenerationOptions.newBuilder().setMaxTokens(10_000).setLogProbabilities(2)));

    assertThat(response.getAnswer().getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);
    assertThat(response.getAnswer().getPromptTokens() + response.getAnswer().getTokenCount())
        .isEqualTo(128);
    assertThat(response.getAnswer().getTokensList()).hasSize(response.getAnswer().getTokenCount());
    assertThat(response.getAnswer().getTokens(0).getAlternativesCount()).isEqualTo(2);
    assertThat(response.getAnswer().getTokens(0).getAlternatives(0).getLogProbability())
        .isEqualTo(response.getAnswer().getTokens(0).getLogProbability())
        .isNegative();
    assertThat(response.getCallInfo().getUsage().getOutputTokens())
        .isEqualTo(response.getAnswer().getTokenCount());
  }
}
