package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.fovea.app.TestGateway;
import dev.fovea.fake.RealTriton;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.Content;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GeneratedToken;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.Turn;
import dev.fovea.v1.TurnRole;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The shipped decoder over a real channel: the service adds nothing and loses nothing. What is
/// expected was made by a plain greedy loop over the same ONNX files, with the reference image
/// library and tokenizer (`training/golden/generation.py`).
@Timeout(300)
final class GoldenGenerationTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/generation.json");

  @Test
  void embeddedEngineSaysWhatAPlainLoopSays() throws IOException {
    try (TestGateway gateway = TestGateway.start()) {
      saysWhatAPlainLoopSays(gateway);
    }
  }

  @Test
  void realTritonSaysWhatAPlainLoopSays() throws IOException {
    try (RealTriton triton = RealTriton.start(List.of(TestGateway.SHIPPED_REPOSITORY));
        TestGateway gateway = TestGateway.start(Map.of("fovea.triton.servers", triton.address()))) {
      saysWhatAPlainLoopSays(gateway);
    }
  }

  private static void saysWhatAPlainLoopSays(TestGateway gateway) throws IOException {
    GenerationServiceBlockingStub service =
        GenerationServiceGrpc.newBlockingStub(gateway.channel());
    JsonNode generations = new ObjectMapper().readTree(GOLDEN.toFile()).path("generations");
    assertThat(generations).hasSizeGreaterThanOrEqualTo(60);
    for (JsonNode golden : generations) {
      GeneratedText text =
          golden.path("task").asText().equals("caption")
              ? caption(service, golden)
              : answer(service, golden);

      assertThat(ids(text)).as(golden.toString()).isEqualTo(expectedIds(golden));
      assertThat(text.getText()).isEqualTo(golden.path("text").asText());
      assertThat(text.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
      assertThat(text.getPromptTokens()).isEqualTo(golden.path("prompt_ids").size());
    }
  }

  private static GeneratedText caption(GenerationServiceBlockingStub service, JsonNode golden)
      throws IOException {
    return service
        .caption(
            CaptionRequest.newBuilder()
                .addItems(Item.newBuilder().setContent(image(golden)))
                .setStyle(
                    golden.path("detailed").asBoolean()
                        ? CaptionStyle.CAPTION_STYLE_DETAILED
                        : CaptionStyle.CAPTION_STYLE_BRIEF)
                .setOptions(withTokens())
                .build())
        .getResults(0)
        .getCaption();
  }

  private static GeneratedText answer(GenerationServiceBlockingStub service, JsonNode golden)
      throws IOException {
    AnswerRequest.Builder request = AnswerRequest.newBuilder().setOptions(withTokens());
    for (JsonNode message : golden.path("messages")) {
      boolean user = message.path("role").asText().equals("user");
      Turn.Builder turn =
          Turn.newBuilder().setRole(user ? TurnRole.TURN_ROLE_USER : TurnRole.TURN_ROLE_ASSISTANT);
      if (request.getTurnsCount() == 0) {
        turn.addParts(image(golden));
      }
      request.addTurns(turn.addParts(Requests.text(message.path("content").asText()).getContent()));
    }
    return service.answer(request.build()).getAnswer();
  }

  private static GenerationOptions withTokens() {
    return GenerationOptions.newBuilder().setLogProbabilities(0).build();
  }

  private static Content image(JsonNode golden) throws IOException {
    byte[] file = Files.readAllBytes(Path.of(golden.path("file").asText()));
    return Content.newBuilder()
        .setImage(Image.newBuilder().setContent(ByteString.copyFrom(file)))
        .build();
  }

  private static List<Integer> ids(GeneratedText text) {
    return text.getTokensList().stream().map(GeneratedToken::getId).toList();
  }

  /// The token that ends the text is one of the answer's, and none of the loop's.
  private static List<Integer> expectedIds(JsonNode golden) {
    List<Integer> ids = new ArrayList<>();
    golden.path("ids").forEach(id -> ids.add(id.asInt()));
    if (golden.path("ended").asBoolean()) {
      ids.add(2);
    }
    return ids;
  }
}
