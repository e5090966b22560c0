package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// The processor of InternVL (`GotOcr2ImageProcessor`): the image is squeezed into the grid of
/// tiles that is nearest to its proportions, and a small picture of the whole follows the tiles
/// where there are several.
///
/// | input | type | shape | content |
/// |---|---|---|---|
/// | `pixel_values` | as the model wants | tiles × 3 × height × width | planes of each tile in raster order, those of the whole last |
final class TileImageProcessor implements ImageProcessor {
  private final Recipe recipe;
  private final Size tile;
  private final List<Grid> grids;

  /// Tiles from left to right and from top to bottom.
  record Grid(int columns, int rows) {
    int tiles() {
      return columns * rows;
    }
  }

  /// @param minTiles fewest tiles of a grid
  /// @param maxTiles most tiles of a grid
  TileImageProcessor(Recipe recipe, Size tile, int minTiles, int maxTiles) {
    this.recipe = recipe;
    this.tile = tile;
    this.grids = grids(minTiles, maxTiles);
  }

  /// All grids with a number of tiles within bounds, those with few first; among equals, narrow
  /// ones first (`get_all_supported_aspect_ratios`).
  static List<Grid> grids(int minTiles, int maxTiles) {
    List<Grid> grids = new ArrayList<>();
    for (int columns = 1; columns <= maxTiles; columns++) {
      for (int rows = 1; rows * columns <= maxTiles; rows++) {
        if (rows * columns >= minTiles) {
          grids.add(new Grid(columns, rows));
        }
      }
    }
    grids.sort(Comparator.comparingInt(Grid::tiles));
    return List.copyOf(grids);
  }

  /// The grid nearest to the proportions of an image; of several, a later one only where the image
  /// has more than half the pixels of its tiles (`get_optimal_tiled_canvas`).
  static Grid nearest(List<Grid> grids, Size image, Size tile) {
    double aspect = (double) image.width() / image.height();
    double area = (double) image.width() * image.height();
    double nearest = Double.POSITIVE_INFINITY;
    Grid best = new Grid(1, 1);
    for (Grid grid : grids) {
      double distance = Math.abs(aspect - (double) grid.columns() / grid.rows());
      boolean fills = area > 0.5 * tile.height() * tile.width() * grid.columns() * grid.rows();
      if (distance < nearest || (distance == nearest && fills)) {
        nearest = distance;
        best = grid;
      }
    }
    return best;
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    Grid grid = nearest(grids, new Size(pixels.width(), pixels.height()), tile);
    int tiles = grid.tiles();
    boolean overview = tiles != 1;
    Shape shape = Shape.of(overview ? tiles + 1 : 1, CHANNELS, tile.height(), tile.width());
    Tensor planes = memory.allocate(recipe.type(), shape);
    Raster image = Raster.of(pixels);
    Size canvas = canvas(grid);
    try (Scratch scratch = Scratch.take()) {
      Placement tiled = Placement.whole(canvas);
      recipe.writePlanes(image, tiled, 0, grid.columns(), grid.rows(), planes, scratch);
      if (overview) {
        recipe.writePlanes(image, Placement.whole(tile), tiles, 1, 1, planes, scratch);
      }
    }
    return new ProcessedImage(Map.of("pixel_values", planes), 0);
  }

  private Size canvas(Grid grid) {
    return new Size(grid.columns() * tile.width(), grid.rows() * tile.height());
  }

  @Override
  public DecodeTarget target(int width, int height) {
    return Placement.whole(canvas(nearest(grids, new Size(width, height), tile))).target();
  }

  @Override
  public List<TensorSpec> outputs() {
    Shape shape = Shape.of(Shape.ANY, CHANNELS, tile.height(), tile.width());
    return List.of(new TensorSpec("pixel_values", recipe.type(), shape));
  }

  @Override
  public ProcessorInfo info() {
    return recipe.info(tile, 0, 0, false);
  }

  @Override
  public String specification() {
    return recipe.specification("tile=" + tile + " grids=" + grids);
  }
}
