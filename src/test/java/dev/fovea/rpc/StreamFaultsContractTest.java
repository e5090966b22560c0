package dev.fovea.rpc;

import static dev.fovea.rpc.Questions.ask;
import static dev.fovea.rpc.Questions.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.CountTokensRequest;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

/// What goes wrong in the middle of a streamed text, over a real channel and with a real decoder:
/// the same on every engine. After each, every place in the engine is free and nothing is left
/// under way.
///
/// The decoder of the tests takes long for `z`, and fails behind place 127 of its context
/// (`src/test/python/decoder_model.py`).
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(180)
abstract class StreamFaultsContractTest {
  static final Duration WITHIN = Duration.ofSeconds(30);

  private static final int PLACES = 4;

  /// The place in the context at which the decoder breaks.
  private static final int BREAKS_AT = 128;

  private TestGateway gateway;
  private GenerationServiceBlockingStub service;

  /// A gateway whose texts an engine of this kind makes.
  ///
  /// @param repository with places for four texts, which the engine keeps for longer than a test
  ///   lasts unless they are given back
  abstract TestGateway start(Path repository, Map<String, String> settings) throws Exception;

  @BeforeAll
  void open() throws Exception {
    Path repository =
        DecoderRepository.make(config ->
            replaced(
                replaced(
                    replaced(
                        replaced(
                            config, "max_candidate_sequences: 64", "max_candidate_sequences: 4"),
                        "idle_microseconds: 10000000",
                        "idle_microseconds: 600000000"),
                    "count: 2",
                    "count: 1"),
                "string_value: \"" + BREAKS_AT + "\"",
                "string_value: \"200\""));
    gateway = start(repository, Map.of("fovea.call.default-deadline", "3s"));
    service = GenerationServiceGrpc.newBlockingStub(gateway.channel());
  }

  private static String replaced(String config, String part, String with) {
    assertThat(config).contains(part);
    return config.replace(part, with);
  }

  @AfterAll
  void close() {
    gateway.close();
  }

  @AfterEach
  void everyPlaceIsFreeAndNothingIsLeft() {
    nothingIsLeft();
    Context.CancellableContext all = Context.current().withCancellation();
    all.run(() -> {
      List<Iterator<StreamAnswerResponse>> texts = new ArrayList<>();
      for (int i = 0; i < PLACES; i++) {
        texts.add(service().streamAnswer(slow(i)));
      }
      texts.forEach(StreamFaultsContractTest::awaitDelta);
      assertThat(gateway.metric("fovea.generation.sequences")).isEqualTo(PLACES);
    });
    all.cancel(null);
    nothingIsLeft();
  }

  private void nothingIsLeft() {
    for (String gauge :
        List.of(
            "fovea.generation.sequences",
            "fovea.generation.texts",
            "fovea.generation.waiting",
            "fovea.admission.items",
            "fovea.cpu.waiting",
            "fovea.decoded.bytes",
            "fovea.features.pending",
            "fovea.rpc.inflight")) {
      Await.until(gauge + " is 0", WITHIN, () -> gateway.metric(gauge) == 0);
    }
  }

  /// With more time than any test takes.
  GenerationServiceBlockingStub service() {
    return service.withDeadlineAfter(WITHIN.toMillis(), TimeUnit.MILLISECONDS);
  }

  double endings(String reason) {
    return gateway.metric("fovea.generation.endings", "reason", reason);
  }

  /// A text that takes many seconds.
  static StreamAnswerRequest slow(int image) {
    AnswerRequest.Builder request = ask(user("what is this", image)).toBuilder();
    request.getConstraintBuilder().setRegex("z{100,}");
    request.getOptionsBuilder().setMaxTokens(110);
    return Questions.stream(request.build());
  }

  /// A text of many tokens that takes no time.
  static AnswerRequest quick(int image) {
    return ask(user("what is this", image)).toBuilder()
        .setOptions(GenerationOptions.newBuilder().setMinTokens(100).setMaxTokens(110))
        .build();
  }

  static void awaitDelta(Iterator<StreamAnswerResponse> parts) {
    while (!parts.next().hasDelta()) {
      // What comes first is no text.
    }
  }

  /// The rest of a stream that ends with a refusal.
  static Refusal refusalBehind(
      Iterator<StreamAnswerResponse> parts, List<StreamAnswerResponse> seen) {
    return Refusal.of(() -> parts.forEachRemaining(seen::add));
  }

  @Test
  void engineThatBreaksInStepSevenEndsTheStreamAfterTheTextSoFar() {
    AnswerRequest request = breakingInStep(7);
    double failed = endings("FAILED");
    List<StreamAnswerResponse> seen = new ArrayList<>();

    Refusal refusal = refusalBehind(service().streamAnswer(Questions.stream(request)), seen);

    refusal.mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    assertThat(seen.stream().mapToInt(part -> part.getDelta().getTokenCount()).sum()).isEqualTo(7);
    assertThat(Questions.text(seen)).isNotEmpty();
    assertThat(endings("FAILED")).isEqualTo(failed + 1);
    Refusal.of(() -> service().answer(request)).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
  }

  /// A text that has so many tokens when the engine breaks.
  AnswerRequest breakingInStep(int step) {
    return ask(user(questionOf(BREAKS_AT + 1 - step), 1)).toBuilder()
        .setOptions(GenerationOptions.newBuilder().setMinTokens(30).setMaxTokens(40))
        .build();
  }

  /// A question whose prompt has so many tokens.
  private String questionOf(int tokens) {
    StringBuilder question = new StringBuilder("a");
    for (int now = promptTokens(question); now < tokens; now = promptTokens(question)) {
      question.append(" a");
    }
    assertThat(promptTokens(question)).isEqualTo(tokens);
    return question.toString();
  }

  private int promptTokens(CharSequence question) {
    return service()
        .countTokens(CountTokensRequest.newBuilder().addTurns(user(question.toString(), 1)).build())
        .getTextTokens();
  }

  @Test
  void clientThatGoesAwayIsCounted() {
    double cancelled = endings("CANCELLED");
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(() -> {
      Iterator<StreamAnswerResponse> parts = service().streamAnswer(slow(1));
      awaitDelta(parts);
      assertThat(gateway.metric("fovea.generation.sequences")).isEqualTo(1);
    });

    context.cancel(null);

    Await.until("it is counted", WITHIN, () -> endings("CANCELLED") == cancelled + 1);
  }

  @Test
  void deadlineInTheMiddleEndsWellWithTheTextSoFar() {
    List<StreamAnswerResponse> parts = new ArrayList<>();
    service
        .withDeadlineAfter(2, TimeUnit.SECONDS)
        .streamAnswer(slow(1))
        .forEachRemaining(parts::add);

    assertThat(parts.getLast().getFinished().getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_DEADLINE);
    assertThat(Questions.text(parts)).matches("z+");
  }

  @Test
  void clientThatDoesNotReadHarmsNobodyElseAndIsCounted() throws Exception {
    String expected = service().answer(quick(2)).getAnswer().getText();
    double slow = endings("SLOW_CONSUMER");
    ManagedChannel narrow =
        NettyChannelBuilder.forAddress("127.0.0.1", gateway.port())
            .usePlaintext()
            .flowControlWindow(1024)
            .build();
    try {
      Sleeper sleeper = new Sleeper();
      AnswerRequest.Builder large = quick(1).toBuilder();
      large.getOptionsBuilder().setLogProbabilities(20).setRelevance(true);
      GenerationServiceGrpc.newStub(narrow).streamAnswer(Questions.stream(large.build()), sleeper);
      Await.until("text waits", WITHIN, () -> gateway.metric("fovea.generation.waiting") > 0);

      for (int i = 0; i < 5; i++) {
        List<StreamAnswerResponse> parts = Questions.parts(service(), quick(2));
        assertThat(Questions.text(parts)).isEqualTo(expected);
      }

      Await.until("it is counted", WITHIN, () -> endings("SLOW_CONSUMER") == slow + 1);
      assertThat(sleeper.wakeUp().getCode()).isNotEqualTo(Code.OK);
    } finally {
      narrow.shutdownNow();
    }
  }

  /// Reads one message and no more until it is woken.
  private static final class Sleeper
      implements ClientResponseObserver<StreamAnswerRequest, StreamAnswerResponse> {
    private final CompletableFuture<Status> ended = new CompletableFuture<>();
    private ClientCallStreamObserver<StreamAnswerRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamAnswerRequest> started) {
      call = started;
      call.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(StreamAnswerResponse part) {}

    @Override
    public void onError(Throwable failure) {
      ended.complete(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      ended.complete(Status.OK);
    }

    Status wakeUp() throws Exception {
      call.request(1000);
      return ended.get(WITHIN.toSeconds(), TimeUnit.SECONDS);
    }
  }
}
