package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.fake.DecoderRepository;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.AnswerResponse;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.Turn;
import dev.fovea.v1.TurnRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `GenerationService` on the embedded engine, over a real channel.
@Timeout(120)
final class GenerationServiceTest {
  private static TestGateway gateway;
  private static GenerationServiceBlockingStub service;

  @BeforeAll
  static void start() {
    gateway =
        TestGateway.start(Map.of("fovea.repository", DecoderRepository.make().toString()));
    service = GenerationServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static Turn user(String text, int... images) {
    Turn.Builder turn = Turn.newBuilder().setRole(TurnRole.TURN_ROLE_USER);
    for (int image : images) {
      turn.addParts(Requests.noise(image).getContent());
    }
    return turn.addParts(Requests.text(text).getContent()).build();
  }

  @Test
  void streamSaysWhatTheWholeAnswerSays() {
    Turn turn = user("what is in the picture", 1);
    AnswerResponse whole = service.answer(AnswerRequest.newBuilder().addTurns(turn).build());
    List<StreamAnswerResponse> parts = new ArrayList<>();
    service
        .streamAnswer(StreamAnswerRequest.newBuilder().addTurns(turn).build())
        .forEachRemaining(parts::add);
    System.out.println(whole);

    assertThat(parts.getFirst().hasStarted()).isTrue();
    assertThat(parts.getLast().hasFinished()).isTrue();
    StringBuilder text = new StringBuilder();
    parts.forEach(part -> text.append(part.getDelta().getText()));
    assertThat(text.toString()).isEqualTo(whole.getAnswer().getText()).isNotEmpty();
    assertThat(parts.getLast().getFinished().getFinishReason())
        .isEqualTo(whole.getAnswer().getFinishReason());
  }

  @Test
  void captionsManyImages() {
    CaptionResponse response =
        service.caption(
            CaptionRequest.newBuilder()
                .addItems(Requests.noise(1))
                .addItems(Requests.text("no image"))
                .addItems(Requests.noise(2))
                .build());
    System.out.println(response);
    assertThat(response.getResults(0).getCaption().getFinishReason())
        .isNotEqualTo(FinishReason.FINISH_REASON_UNSPECIFIED);
    assertThat(response.getResults(1).hasError()).isTrue();
    assertThat(response.getResults(2).getCaption().getText()).isNotEmpty();
  }
}
