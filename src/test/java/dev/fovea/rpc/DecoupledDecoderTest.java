package dev.fovea.rpc;

import static dev.fovea.rpc.Questions.ask;
import static dev.fovea.rpc.Questions.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.ScoreChoicesRequest;
import io.grpc.Status.Code;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A decoder that generates by itself: the contract of `docs/generation.md`.
@Timeout(60)
final class DecoupledDecoderTest {
  private static final int END = 2;

  private static TestGateway gateway;
  private static GenerationServiceBlockingStub service;

  /// Says ten tokens, two at a time, then the end, and goes on for ever if nobody stops it.
  private static final class Talker implements Script {
    private final DecoderScript encoder = new DecoderScript();

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      return encoder.answer(model, row);
    }

    @Override
    public Iterator<Map<String, Tensor>> answers(ServableModel model, Map<String, Tensor> row) {
      return LongStream.iterate(0, i -> i + 2)
          .mapToObj(i ->
              Map.of(
                  "output_ids",
                  Tensor.ofLongs(Shape.of(2), i < 10 ? 400 + i : END, i < 10 ? 401 + i : 500)))
          .iterator();
    }
  }

  @BeforeAll
  static void start() {
    String repository = DecoderRepository.make(DecoupledDecoderTest::decoupled).toString();
    gateway =
        TestGateway.start(
            Map.of("fovea.repository", repository),
            clock -> new ScriptedEngine(new Talker(), clock, 64));
    service = GenerationServiceGrpc.newBlockingStub(gateway.channel());
  }

  private static String decoupled(String config) {
    int outputs = config.indexOf("output [");
    int instances = config.indexOf("instance_group [");
    return config.substring(0, outputs)
        + "input [ { name: \"max_tokens\" data_type: TYPE_INT64 dims: [ 1 ] } ]\n"
        + "output [ { name: \"output_ids\" data_type: TYPE_INT64 dims: [ -1 ] } ]\n"
        + "model_transaction_policy { decoupled: true }\n"
        + config.substring(instances);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void itsEndEndsTheText() {
    GeneratedText answer = service.answer(ask(user("what is this", 1))).getAnswer();

    assertThat(answer.getTokenCount()).isEqualTo(11);
    assertThat(answer.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    assertThat(answer.getText()).isNotEmpty();
  }

  @Test
  void lengthAndStopStringsAreMindedHere() {
    GeneratedText cut =
        service.answer(ask(GenerationOptions.newBuilder().setMaxTokens(3))).getAnswer();
    assertThat(cut.getTokenCount()).isEqualTo(3);
    assertThat(cut.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);

    String whole = service.answer(ask(user("what is this", 1))).getAnswer().getText();
    String stop = whole.substring(5, 8);
    GeneratedText stopped =
        service.answer(ask(GenerationOptions.newBuilder().addStopStrings(stop))).getAnswer();
    assertThat(stopped.getText()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(stopped.getMatchedStop()).isEqualTo(stop);
  }

  @Test
  void whatItsContractCannotCarryIsRefused() {
    AnswerRequest.Builder held = ask(user("what is this", 1)).toBuilder();
    held.getConstraintBuilder().setRegex("a");
    Refusal.of(() -> service.answer(held.build()))
        .mustBe(Code.FAILED_PRECONDITION, Reason.CONSTRAINT_NOT_SUPPORTED);
    Refusal.of(() -> service.answer(ask(GenerationOptions.newBuilder().setTemperature(1))))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "options.temperature");
    Refusal.of(() -> service.answer(ask(GenerationOptions.newBuilder().setRelevance(true))))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "options.relevance");
    ScoreChoicesRequest.Builder choices =
        ScoreChoicesRequest.newBuilder().addAllTurns(List.of(user("what is this", 1)));
    choices.getChoicesBuilder().addValues("a");
    Refusal.of(() -> service.scoreChoices(choices.build()))
        .mustBe(Code.FAILED_PRECONDITION, Reason.TASK_NOT_SUPPORTED);
  }
}
