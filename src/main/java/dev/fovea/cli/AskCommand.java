package dev.fovea.cli;

import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.Content;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.Text;
import dev.fovea.v1.Turn;
import dev.fovea.v1.TurnRole;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `fovea ask`: a question about an image, answered as the words come. With several questions each
/// is asked in one more turn of the same conversation.
@Command(
    name = "ask",
    description = "Answers questions about an image.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class AskCommand extends ServerCommand {
  @Parameters(
      index = "0",
      paramLabel = ImageArguments.LABEL,
      description = "An image file, or a handle that fovea upload gave")
  private String image = "";

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "QUESTION",
      description = "What to ask; several are asked one after the other")
  private List<String> questions = new ArrayList<>();

  @Mixin private final ImageArguments arguments = new ImageArguments();
  @Mixin private final GenerationArguments generation = new GenerationArguments();

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  @Override
  int call(ManagedChannel channel) {
    List<Turn> turns = new ArrayList<>();
    for (String question : questions) {
      Turn.Builder turn = turn(TurnRole.TURN_ROLE_USER, question);
      if (turns.isEmpty()) {
        turn.addParts(Content.newBuilder().setImage(arguments.image(image)));
      }
      turns.add(turn.build());
      String answer = ask(withDeadline(GenerationServiceGrpc.newBlockingStub(channel)), turns);
      // A model that said nothing leaves nothing to go on from.
      turns.add(turn(TurnRole.TURN_ROLE_ASSISTANT, answer.isBlank() ? "-" : answer).build());
    }
    return 0;
  }

  private static Turn.Builder turn(TurnRole role, String text) {
    return Turn.newBuilder()
        .setRole(role)
        .addParts(Content.newBuilder().setText(Text.newBuilder().setValue(text)));
  }

  private String ask(GenerationServiceBlockingStub service, List<Turn> turns) {
    if (wantsJson()) {
      AnswerRequest.Builder request =
          AnswerRequest.newBuilder()
              .setModel(selector(model))
              .addAllTurns(turns)
              .setOptions(generation.options());
      generation.constraint().ifPresent(request::setConstraint);
      var response = service.answer(request.build());
      boolean _ = toldAsJson(response);
      return response.getAnswer().getText();
    }
    StreamAnswerRequest.Builder request =
        StreamAnswerRequest.newBuilder()
            .setModel(selector(model))
            .addAllTurns(turns)
            .setOptions(generation.options());
    generation.constraint().ifPresent(request::setConstraint);
    Iterator<StreamAnswerResponse> parts = service.streamAnswer(request.build());
    TextPrinter printer = new TextPrinter(out());
    StringBuilder answer = new StringBuilder();
    while (parts.hasNext()) {
      StreamAnswerResponse part = parts.next();
      if (part.hasDelta()) {
        printer.print(part.getDelta());
        answer.append(part.getDelta().getText());
      } else if (part.hasFinished()) {
        printer.finish(part.getFinished());
        tell(part.getFinished().getCallInfo());
      }
    }
    return answer.toString();
  }
}
