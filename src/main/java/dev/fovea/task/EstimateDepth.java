package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import java.util.List;

/// Tells how far away the things in an image are, compared with each other: the depth model says it
/// for some cells of each patch, which are put together to one grid.
public final class EstimateDepth {
  private final ReadFeatures readFeatures;

  public EstimateDepth(EncodeItems encodeItems) {
    this.readFeatures = new ReadFeatures(encodeItems);
  }

  /// How far away everything is.
  ///
  /// @param grid where the cells are
  /// @param depths about 0 (nearest) to 1 (farthest), in the order of the grid
  public record DepthMap(GridOnImage grid, float[] depths) {}

  /// @param family that can do [Task#ESTIMATE_DEPTH]
  /// @throws GatewayException when the image cannot be decoded, or the service could not do its
  ///   part
  public DepthMap run(ServedFamily family, Content.Image image, CallRecord record)
      throws InterruptedException {
    List<Outcome<Content>> images = List.of(Outcome.done(image));
    return switch (readFeatures.run(family, Role.DEPTH, images, Role.DEPTHS, record).getFirst()) {
      case Outcome.Failed<ReadFeatures.Reading>(GatewayException refusal) -> throw refusal;
      case Outcome.Done<ReadFeatures.Reading>(ReadFeatures.Reading reading) ->
          joined(GridOnImage.ofPatches(reading.prepared()).vectors(reading.answer(), Role.DEPTHS));
    };
  }

  /// The cells of all patches in one grid.
  private static DepthMap joined(PatchVectors patches) {
    int side = (int) Math.round(Math.sqrt(patches.dimension()));
    GridOnImage grid = patches.grid().finer(side);
    float[] depths = new float[grid.cells()];
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        int patch = row / side * patches.grid().columns() + column / side;
        int cell = row % side * side + column % side;
        depths[row * grid.columns() + column] =
            patches.components()[patch * patches.dimension() + cell];
      }
    }
    return new DepthMap(grid, depths);
  }
}
