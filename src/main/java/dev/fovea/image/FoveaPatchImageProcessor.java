package dev.fovea.image;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The processor of Fovea's own models: the image is resized, its proportions kept as far as whole
/// patches allow, and cut into patches of raw bytes; normalising them is the model's affair.
///
/// | input | type | shape | content |
/// |---|---|---|---|
/// | `patches` | UINT8 | maxPatches × (patchSize² × 3) | a row is a patch, in raster order; columns run over y, x, channel |
/// | `patch_mask` | BOOL | maxPatches | true where a row carries a patch |
/// | `patch_positions` | INT32 | maxPatches × 2 | row and column of the patch in the grid |
///
/// Rows without a patch are zeros.
final class FoveaPatchImageProcessor implements ImageProcessor {
  static final String NAME = "FoveaPatchImageProcessor";

  /// What the configuration chooses.
  ///
  /// @param filter resizes the image
  /// @param patchSize side of a patch in pixels
  /// @param maxPatches rows of the tensors
  /// @param maxPatchesPerSide longest side of the grid in patches
  record Plan(ResampleFilter filter, int patchSize, int maxPatches, int maxPatchesPerSide) {}

  private final Plan plan;
  private final Resize resize;

  FoveaPatchImageProcessor(Plan plan) {
    this.plan = plan;
    this.resize = new Resize(plan.filter(), Resampler.scalar());
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    PatchGrid grid = grid(pixels);
    int side = plan.patchSize();
    Pixels resized = resize.resize(pixels, grid.columns() * side, grid.rows() * side);
    return new ProcessedImage(
        Map.of(
            "patches", patches(resized, grid, memory),
            "patch_mask", mask(grid, memory),
            "patch_positions", positions(grid, memory)),
        (int) grid.patches());
  }

  private PatchGrid grid(Pixels pixels) {
    return PatchGrid.naFlex(pixels.width(), pixels.height(), plan.patchSize(), plan.maxPatches())
        .cappedAt(plan.maxPatchesPerSide());
  }

  /// A patch is `patchSize` runs of bytes of the image, one from each of its rows.
  private Tensor patches(Pixels image, PatchGrid grid, TensorAllocator memory) {
    int run = plan.patchSize() * Resampler.CHANNELS;
    Tensor patches =
        memory.allocate(DataType.UINT8, Shape.of(plan.maxPatches(), (long) plan.patchSize() * run));
    MemorySegment rgb = MemorySegment.ofArray(image.rgb());
    long to = 0;
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        for (int y = row * plan.patchSize(); y < (row + 1) * plan.patchSize(); y++, to += run) {
          long from = ((long) y * grid.columns() + column) * run;
          MemorySegment.copy(rgb, from, patches.data(), to, run);
        }
      }
    }
    return patches;
  }

  private Tensor mask(PatchGrid grid, TensorAllocator memory) {
    Tensor mask = memory.allocate(DataType.BOOL, Shape.of(plan.maxPatches()));
    mask.data().asSlice(0, grid.patches()).fill((byte) 1);
    return mask;
  }

  private Tensor positions(PatchGrid grid, TensorAllocator memory) {
    Tensor positions = memory.allocate(DataType.INT32, Shape.of(plan.maxPatches(), 2));
    int at = 0;
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        positions.setInt(at++, row);
        positions.setInt(at++, column);
      }
    }
    return positions;
  }

  @Override
  public List<TensorSpec> outputs() {
    long maxPatches = plan.maxPatches();
    long patchBytes = (long) plan.patchSize() * plan.patchSize() * Resampler.CHANNELS;
    return List.of(
        new TensorSpec("patches", DataType.UINT8, Shape.of(maxPatches, patchBytes)),
        new TensorSpec("patch_mask", DataType.BOOL, Shape.of(maxPatches)),
        new TensorSpec("patch_positions", DataType.INT32, Shape.of(maxPatches, 2)));
  }

  /// The default input is the square that uses every patch.
  @Override
  public ProcessorInfo info() {
    int side = Math.min(plan.maxPatchesPerSide(), (int) Math.sqrt(plan.maxPatches()));
    int pixels = side * plan.patchSize();
    return new ProcessorInfo(
        NAME, pixels, pixels, plan.patchSize(), plan.maxPatches(), true, filterName(), "pil");
  }

  @Override
  public String specification() {
    return "%s backend=pil resample=%s patch_size=%d max_num_patches=%d max_patches_per_side=%d"
        .formatted(
            NAME, filterName(), plan.patchSize(), plan.maxPatches(), plan.maxPatchesPerSide());
  }

  private String filterName() {
    return plan.filter().name().toLowerCase(Locale.ROOT);
  }
}
