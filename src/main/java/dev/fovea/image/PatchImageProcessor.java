package dev.fovea.image;

import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;

/// Processors that cut the picture into patches themselves, whose number follows the proportions of
/// the image: SigLIP 2 NaFlex, Qwen2-VL and its successors, Fovea's own. What the tensors are is
/// told by their [PatchLayout].
final class PatchImageProcessor implements ImageProcessor {
  private final Recipe recipe;
  private final Geometry geometry;
  private final PatchLayout layout;
  private final int maxPatches;
  private final Optional<PatchImageProcessor> detailed;

  /// @param rule gives sizes of whole patches
  PatchImageProcessor(Recipe recipe, SizeRule rule, PatchLayout layout, int maxPatches) {
    this(recipe, rule, layout, maxPatches, Optional.empty());
  }

  /// @param detailed what cuts an image finer, for models that read patch by patch
  PatchImageProcessor(
      Recipe recipe,
      SizeRule rule,
      PatchLayout layout,
      int maxPatches,
      Optional<PatchImageProcessor> detailed) {
    this.recipe = recipe;
    this.geometry = new Geometry(rule, Optional.empty());
    this.layout = layout;
    this.maxPatches = maxPatches;
    this.detailed = detailed;
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    Placement placement = geometry.place(pixels.width(), pixels.height(), recipe.backend());
    int side = layout.patchSize();
    PatchGrid grid = new PatchGrid(placement.height() / side, placement.width() / side);
    Tensor patches = layout.patches(grid, recipe.type(), memory);
    try (Scratch scratch = Scratch.take()) {
      RowSink sink = layout.sink(grid, patches, recipe.table(), scratch);
      recipe.resize().run(Raster.of(pixels), placement, scratch, sink);
    }
    return new ProcessedImage(
        layout.inputs(grid, patches, memory),
        (int) grid.patches(),
        tellsGrid() ? Optional.of(grid) : Optional.empty());
  }

  @Override
  public boolean tellsGrid() {
    return layout.isRaster();
  }

  @Override
  public DecodeTarget target(int width, int height) {
    return geometry.place(width, height, recipe.backend()).target();
  }

  @Override
  public List<TensorSpec> outputs() {
    return layout.outputs(recipe.type());
  }

  @Override
  public ImageProcessor detailed() {
    return detailed.orElse(this);
  }

  @Override
  public ProcessorInfo info() {
    int large = PlaneImageProcessor.LARGE_SIDE;
    Size size = geometry.rule().apply(large, large);
    return recipe.info(size, layout.patchSize(), maxPatches, true);
  }

  @Override
  public String specification() {
    String own = recipe.specification(geometry.specification() + " layout=" + layout);
    return own + detailed.map(finer -> " detailed: " + finer.specification()).orElse("");
  }
}
