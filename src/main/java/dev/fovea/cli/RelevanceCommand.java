package dev.fovea.cli;

import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.MapRelevanceRequest;
import dev.fovea.v1.MapRelevanceResponse;
import dev.fovea.v1.RelevanceMap;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `fovea relevance`: where in an image texts fit.
@Command(
    name = "relevance",
    description = "Says where in an image each text fits.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class RelevanceCommand extends DenseCommand {
  @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "What to look for")
  private List<String> texts = new ArrayList<>();

  @Option(
      names = "--template",
      description = "A sentence around a text, with {} for it; may be given several times")
  private List<String> templates = new ArrayList<>();

  @Override
  int call(ManagedChannel channel) {
    MapRelevanceResponse response =
        withDeadline(DensePredictionServiceGrpc.newBlockingStub(channel))
            .mapRelevance(
                MapRelevanceRequest.newBuilder()
                    .setModel(selector(model()))
                    .setImage(image())
                    .addAllTexts(texts)
                    .addAllHypothesisTemplates(templates)
                    .build());
    draw(
        channel,
        picture ->
            HeatMap.beside(
                response.getMapsList().stream()
                    .map(map ->
                        picture.draw(
                            response.getGeometry(),
                            map.getScoresList(),
                            least(response),
                            best(response)))
                    .toList(),
                texts.size()));
    if (!toldAsJson(response)) {
      for (int i = 0; i < texts.size(); i++) {
        out().println(texts.get(i) + ": " + describe(response.getMaps(i), response.getGeometry()));
      }
      tell(response.getCallInfo());
    }
    return 0;
  }

  private static double least(MapRelevanceResponse response) {
    return response.getMapsList().stream()
        .flatMap(map -> map.getScoresList().stream())
        .mapToDouble(Float::doubleValue)
        .min()
        .orElse(0);
  }

  private static double best(MapRelevanceResponse response) {
    return response.getMapsList().stream().mapToDouble(RelevanceMap::getBestScore).max().orElse(1);
  }

  private static String describe(RelevanceMap map, GridGeometry grid) {
    String probability =
        map.hasProbability()
            ? String.format(Locale.ROOT, ", %.1f %% that it is there", 100 * map.getProbability())
            : "";
    return HeatMap.where(map, grid) + probability;
  }
}
