package dev.fovea.rpc;

import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.GeneratedToken;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.Turn;
import dev.fovea.v1.TurnRole;
import java.util.ArrayList;
import java.util.List;

/// Conversations as clients write them.
final class Questions {
  private Questions() {}

  static Turn user(String text, int... images) {
    Turn.Builder turn = Turn.newBuilder().setRole(TurnRole.TURN_ROLE_USER);
    for (int image : images) {
      turn.addParts(Requests.noise(image).getContent());
    }
    return turn.addParts(Requests.text(text).getContent()).build();
  }

  static Turn assistant(String text) {
    return Turn.newBuilder()
        .setRole(TurnRole.TURN_ROLE_ASSISTANT)
        .addParts(Requests.text(text).getContent())
        .build();
  }

  static AnswerRequest ask(Turn... turns) {
    return AnswerRequest.newBuilder().addAllTurns(List.of(turns)).build();
  }

  static AnswerRequest ask(GenerationOptions.Builder options) {
    return ask(user("what is this", 1)).toBuilder().setOptions(options).build();
  }

  static StreamAnswerRequest stream(AnswerRequest request) {
    StreamAnswerRequest.Builder stream =
        StreamAnswerRequest.newBuilder()
            .setModel(request.getModel())
            .addAllTurns(request.getTurnsList())
            .setOptions(request.getOptions());
    if (request.hasConstraint()) {
      stream.setConstraint(request.getConstraint());
    }
    return stream.build();
  }

  /// Every message of a stream that ends well.
  static List<StreamAnswerResponse> parts(
      GenerationServiceBlockingStub service, AnswerRequest request) {
    List<StreamAnswerResponse> parts = new ArrayList<>();
    service.streamAnswer(stream(request)).forEachRemaining(parts::add);
    return parts;
  }

  /// Every token of a stream.
  static List<GeneratedToken> tokens(List<StreamAnswerResponse> parts) {
    return parts.stream().flatMap(part -> part.getDelta().getTokensList().stream()).toList();
  }

  static String text(List<StreamAnswerResponse> parts) {
    StringBuilder text = new StringBuilder();
    parts.forEach(part -> text.append(part.getDelta().getText()));
    return text.toString();
  }
}
