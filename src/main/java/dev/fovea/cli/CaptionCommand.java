package dev.fovea.cli;

import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.CaptionResult;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.StreamCaptionResponse;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
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
  /// Pixels of the longer side of one word's picture.
  private static final int LONGEST = 320;

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

  @Option(
      names = "--heat-map",
      paramLabel = "PICTURE",
      description = "Draw where the model looked for each word, into a .png or .jpg file")
  private @Nullable Path heatMap;

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  @Override
  int call(ManagedChannel channel) {
    GenerationServiceBlockingStub service =
        withDeadline(GenerationServiceGrpc.newBlockingStub(channel));
    if (heatMap != null && images.size() > 1) {
      throw new UnreadableFileException("--heat-map: draws over one image, not several");
    }
    boolean streams = images.size() == 1 && beams == 1 && !wantsJson();
    return streams ? stream(service, channel) : tell(service, channel);
  }

  private GenerationOptions.Builder options() {
    return generation.options().setRelevance(heatMap != null);
  }

  private void draw(WordMaps words, ManagedChannel channel) {
    if (heatMap != null) {
      String image = images.getFirst();
      HeatMap picture =
          HeatMap.over(
              image,
              arguments.image(image),
              withDeadline(ImageServiceGrpc.newBlockingStub(channel)),
              LONGEST);
      HeatMap.write(words.draw(picture), heatMap);
    }
  }

  private CaptionStyle style() {
    return detailed ? CaptionStyle.CAPTION_STYLE_DETAILED : CaptionStyle.CAPTION_STYLE_BRIEF;
  }

  private int stream(GenerationServiceBlockingStub service, ManagedChannel channel) {
    StreamCaptionRequest.Builder request =
        StreamCaptionRequest.newBuilder()
            .setModel(selector(model))
            .setImage(arguments.image(images.getFirst()))
            .setStyle(style())
            .setOptions(options());
    generation.constraint().ifPresent(request::setConstraint);
    Iterator<StreamCaptionResponse> parts = service.streamCaption(request.build());
    TextPrinter printer = new TextPrinter(out());
    WordMaps words = WordMaps.on(List.of());
    while (parts.hasNext()) {
      StreamCaptionResponse part = parts.next();
      switch (part.getPartCase()) {
        case STARTED -> words = WordMaps.on(part.getStarted().getRelevanceGeometriesList());
        case DELTA -> {
          printer.print(part.getDelta());
          words.add(part.getDelta().getTokensList());
        }
        case FINISHED -> {
          printer.finish(part.getFinished());
          words.lines().forEach(out()::println);
          draw(words, channel);
          tell(part.getFinished().getCallInfo());
        }
        case PART_NOT_SET -> {}
      }
    }
    return 0;
  }

  private int tell(GenerationServiceBlockingStub service, ManagedChannel channel) {
    CaptionRequest.Builder request =
        CaptionRequest.newBuilder()
            .setModel(selector(model))
            .setStyle(style())
            .setOptions(options().setBeams(beams));
    generation.constraint().ifPresent(request::setConstraint);
    images.forEach(image -> request.addItems(arguments.item(image)));
    CaptionResponse response = service.caption(request.build());
    response.getResultsList().stream()
        .filter(CaptionResult::hasCaption)
        .map(CaptionResult::getCaption)
        .forEach(caption -> {
          WordMaps words = WordMaps.on(caption.getRelevanceGeometriesList());
          words.add(caption.getTokensList());
          draw(words, channel);
        });
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
