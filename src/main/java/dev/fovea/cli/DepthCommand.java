package dev.fovea.cli;

import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.EstimateDepthResponse;
import dev.fovea.v1.GridGeometry;
import io.grpc.ManagedChannel;
import java.util.List;
import picocli.CommandLine.Command;

/// `fovea depth`: how far away the things in an image are.
@Command(
    name = "depth",
    description = "Says how far away the things in an image are, compared with each other.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class DepthCommand extends DenseCommand {
  /// From near to far.
  private static final String SHADES = "█▓▒░ ";

  /// Columns of the sketch; a letter is about twice as high as wide.
  private static final int WIDTH = 48;

  @Override
  int call(ManagedChannel channel) {
    EstimateDepthResponse response =
        withDeadline(DensePredictionServiceGrpc.newBlockingStub(channel))
            .estimateDepth(
                EstimateDepthRequest.newBuilder()
                    .setModel(selector(model()))
                    .setImage(image())
                    .build());
    draw(channel, picture -> picture.draw(response.getGeometry(), response.getDepthsList(), 1, 0));
    if (!toldAsJson(response)) {
      sketch(response.getGeometry(), response.getDepthsList());
      out().println("█ near, blank far");
      tell(response.getCallInfo());
    }
    return 0;
  }

  private void sketch(GridGeometry grid, List<Float> depths) {
    double aspect = (double) grid.getBox().getHeight() / grid.getBox().getWidth();
    int height = (int) Math.max(1, Math.round(WIDTH * aspect / 2));
    for (int y = 0; y < height; y++) {
      StringBuilder line = new StringBuilder();
      for (int x = 0; x < WIDTH; x++) {
        int row = y * grid.getRows() / height;
        int column = x * grid.getColumns() / WIDTH;
        double depth = Math.clamp(depths.get(row * grid.getColumns() + column), 0.0, 1.0);
        line.append(SHADES.charAt((int) Math.round(depth * (SHADES.length() - 1))));
      }
      out().println(line);
    }
  }
}
