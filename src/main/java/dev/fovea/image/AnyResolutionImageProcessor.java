package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Map;

/// The processor of LLaVA-NeXT: the image is fitted into the resolution that serves it best, black
/// around it, and cut into tiles; a small picture of the whole goes before them. Each of these then
/// takes the way of an image of its own.
///
/// | input | type | shape | content |
/// |---|---|---|---|
/// | `pixel_values` | as the model wants | (1 + tiles) × 3 × height × width | planes of the whole, then of each tile in raster order |
/// | `image_sizes` | INT64 | 2 | height and width of the image |
///
/// The reference fills up the tiles of a batch with zeros; a row of its own has none to fill.
final class AnyResolutionImageProcessor implements ImageProcessor {
  private final Recipe recipe;
  private final Geometry geometry;
  private final Size picture;
  private final List<Size> resolutions;
  private final Size whole;
  private final int tile;

  /// @param geometry of each tile; makes all of one size
  /// @param resolutions to choose from
  /// @param whole the size of the picture of the whole
  /// @param tile side of a tile
  AnyResolutionImageProcessor(
      Recipe recipe, Geometry geometry, List<Size> resolutions, Size whole, int tile) {
    this.recipe = recipe;
    this.geometry = geometry;
    this.picture = geometry.fixedSize().orElseThrow();
    this.resolutions = List.copyOf(resolutions);
    this.whole = whole;
    this.tile = tile;
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    Size canvas = bestResolution(resolutions, pixels.width(), pixels.height());
    int tiles = Math.ceilDiv(canvas.width(), tile) * Math.ceilDiv(canvas.height(), tile);
    Shape shape = Shape.of(1 + tiles, CHANNELS, picture.height(), picture.width());
    Tensor planes = memory.allocate(recipe.type(), shape);
    Raster image = Raster.of(pixels);
    try (Scratch scratch = Scratch.take()) {
      write(drawn(image, Placement.whole(whole), scratch), 0, planes, scratch);
      cut(drawn(image, fitted(pixels.width(), pixels.height(), canvas), scratch), planes, scratch);
    }
    Tensor sizes = PlaneImageProcessor.sizes(pixels.height(), pixels.width(), memory);
    return new ProcessedImage(Map.of("pixel_values", planes, "image_sizes", sizes), 0);
  }

  /// The resolution in which most of the image's pixels count; of several, that with the least
  /// black (`select_best_resolution`).
  static Size bestResolution(List<Size> resolutions, int width, int height) {
    Size best = resolutions.getFirst();
    long mostUsed = 0;
    long leastWasted = Long.MAX_VALUE;
    for (Size resolution : resolutions) {
      double scale =
          Math.min((double) resolution.width() / width, (double) resolution.height() / height);
      long shown = (long) (int) (width * scale) * (int) (height * scale);
      long used = Math.min(shown, (long) width * height);
      long wasted = (long) resolution.width() * resolution.height() - used;
      if (used > mostUsed || (used == mostUsed && wasted < leastWasted)) {
        mostUsed = used;
        leastWasted = wasted;
        best = resolution;
      }
    }
    return best;
  }

  /// The image in the middle of a canvas, as large as fits (`get_patch_output_size`).
  private static Placement fitted(int imageWidth, int imageHeight, Size canvas) {
    double acrossScale = (double) canvas.width() / imageWidth;
    double downScale = (double) canvas.height() / imageHeight;
    int width = canvas.width();
    int height = canvas.height();
    if (acrossScale < downScale) {
      height = Math.min((int) Math.ceil(imageHeight * acrossScale), height);
    } else {
      width = Math.min((int) Math.ceil(imageWidth * downScale), width);
    }
    return new Placement(
        width,
        height,
        -((canvas.width() - width) / 2),
        -((canvas.height() - height) / 2),
        canvas.width(),
        canvas.height());
  }

  private Raster drawn(Raster image, Placement placement, Scratch scratch) {
    int stride = placement.width() * CHANNELS;
    byte[] canvas = scratch.canvas(placement.height() * stride);
    recipe
        .resize()
        .run(
            image,
            placement,
            scratch,
            (y, rgb, at) -> System.arraycopy(rgb, at, canvas, y * stride, stride));
    return Raster.of(canvas, placement.width(), placement.height());
  }

  private void cut(Raster canvas, Tensor planes, Scratch scratch) {
    int place = 1;
    for (int top = 0; top < canvas.height(); top += tile) {
      for (int left = 0; left < canvas.width(); left += tile, place++) {
        int width = Math.min(tile, canvas.width() - left);
        int height = Math.min(tile, canvas.height() - top);
        write(canvas.part(left, top, width, height), place, planes, scratch);
      }
    }
  }

  private void write(Raster part, int place, Tensor planes, Scratch scratch) {
    Placement placement = geometry.place(part.width(), part.height(), recipe.backend());
    recipe.writePlanes(part, placement, place, 1, 1, planes, scratch);
  }

  @Override
  public DecodeTarget target(int width, int height) {
    return fitted(width, height, bestResolution(resolutions, width, height)).target();
  }

  @Override
  public List<TensorSpec> outputs() {
    Shape shape = Shape.of(Shape.ANY, CHANNELS, picture.height(), picture.width());
    return List.of(
        new TensorSpec("pixel_values", recipe.type(), shape),
        new TensorSpec("image_sizes", DataType.INT64, Shape.of(2)));
  }

  @Override
  public ProcessorInfo info() {
    return recipe.info(picture, 0, 0, true);
  }

  @Override
  public String specification() {
    return recipe.specification(
        "%s resolutions=%s whole=%s tile=%d"
            .formatted(geometry.specification(), resolutions, whole, tile));
  }
}
