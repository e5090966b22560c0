package dev.fovea.cli;

import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.CaptionResult;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.StreamCaptionResponse;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `fovea caption`: what images show, in words. One image is told as the words come, several at
/// once.
@Command(
    name = "caption",
    description = "Says in words what an image shows.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class CaptionCommand extends ServerCommand {
  @Parameters(
      paramLabel = ImageArguments.LABEL,
      arity = "1..*",
      description = "Image files, or handles that fovea upload gave")
  private List<String> images = new ArrayList<>();

  @Mixin private final ImageArguments arguments = new ImageArguments();
  @Mixin private final GenerationArguments generation = new GenerationArguments();

  @Option(names = "--detailed", description = "Say as much as the model can")
  private boolean detailed;

  @Option(
      names = "--beams",
      description = "Keep so many captions under way and tell the likeliest. Default: 1")
  private int beams = 1;

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  @Override
  int call(ManagedChannel channel) {
    GenerationServiceBlockingStub service =
        withDeadline(GenerationServiceGrpc.newBlockingStub(channel));
    boolean streams = images.size() == 1 && beams == 1 && !wantsJson();
    return streams ? stream(service) : tell(service);
  }

  private CaptionStyle style() {
    return detailed ? CaptionStyle.CAPTION_STYLE_DETAILED : CaptionStyle.CAPTION_STYLE_BRIEF;
  }

  private int stream(GenerationServiceBlockingStub service) {
    StreamCaptionRequest.Builder request =
        StreamCaptionRequest.newBuilder()
            .setModel(selector(model))
            .setImage(arguments.image(images.getFirst()))
            .setStyle(style())
            .setOptions(generation.options());
    generation.constraint().ifPresent(request::setConstraint);
    Iterator<StreamCaptionResponse> parts = service.streamCaption(request.build());
    TextPrinter printer = new TextPrinter(out());
    while (parts.hasNext()) {
      StreamCaptionResponse part = parts.next();
      if (part.hasDelta()) {
        printer.print(part.getDelta());
      } else if (part.hasFinished()) {
        printer.finish(part.getFinished());
        tell(part.getFinished().getCallInfo());
      }
    }
    return 0;
  }

  private int tell(GenerationServiceBlockingStub service) {
    CaptionRequest.Builder request =
        CaptionRequest.newBuilder()
            .setModel(selector(model))
            .setStyle(style())
            .setOptions(generation.options().setBeams(beams));
    generation.constraint().ifPresent(request::setConstraint);
    images.forEach(image -> request.addItems(arguments.item(image)));
    CaptionResponse response = service.caption(request.build());
    if (!toldAsJson(response)) {
      response.getResultsList().forEach(this::tell);
      tell(response.getCallInfo());
    }
    boolean refused = response.getResultsList().stream().anyMatch(CaptionResult::hasError);
    return refused ? Complaint.REFUSED : 0;
  }

  private void tell(CaptionResult result) {
    out()
        .println(
            result.getId()
                + ": "
                + (result.hasError()
                    ? Complaint.describe(result.getError().getStatus())
                    : result.getCaption().getText()));
  }
}
