package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Map;

/// How the patches of a picture lie in the rows of a tensor, and what else the model is told of
/// them.
sealed interface PatchLayout {
  /// Side of a patch in pixels.
  int patchSize();

  /// Whether the rows of the tensor are the patches in raster order.
  default boolean isRaster() {
    return true;
  }

  /// The tensors of a picture, by name; where the number of patches depends on the image, it is
  /// open.
  List<TensorSpec> outputs(DataType type);

  /// The tensor that takes the patches, all zeros.
  default Tensor patches(PatchGrid grid, DataType type, TensorAllocator memory) {
    return memory.allocate(type, outputs(type).getFirst().shape());
  }

  /// Every tensor of the picture, given the one with its patches.
  Map<String, Tensor> inputs(PatchGrid grid, Tensor patches, TensorAllocator memory);

  /// Where the rows of a picture go. Unless a layout says otherwise, patches are in raster order,
  /// the rows of a patch follow each other with their channels interleaved (columns run over y, x,
  /// channel), and rows of the tensor without a patch stay zeros.
  default RowSink sink(PatchGrid grid, Tensor patches, ValueTable table, Scratch scratch) {
    int side = patchSize();
    int run = side * CHANNELS;
    return (y, rgb, at) -> {
      table.interleaved(rgb, at, grid.columns() * side, scratch);
      long patch = (long) (y / side) * grid.columns();
      for (int column = 0; column < grid.columns(); column++, patch++) {
        long to = (patch * side + y % side) * run;
        table.copy(scratch, column * run, run, patches.data(), to);
      }
    };
  }

  /// SigLIP 2 NaFlex.
  ///
  /// | input | type | shape | content |
  /// |---|---|---|---|
  /// | `pixel_values` | as the model wants | maxPatches × (patchSize² × 3) | a row is a patch; columns run over y, x, channel |
  /// | `pixel_attention_mask` | INT32 | maxPatches | 1 where a row carries a patch |
  /// | `spatial_shapes` | INT64 | 2 | rows and columns of the grid |
  record NaFlex(int patchSize, int maxPatches) implements PatchLayout {
    @Override
    public List<TensorSpec> outputs(DataType type) {
      long patchValues = (long) patchSize * patchSize * CHANNELS;
      return List.of(
          new TensorSpec("pixel_values", type, Shape.of(maxPatches, patchValues)),
          new TensorSpec("pixel_attention_mask", DataType.INT32, Shape.of(maxPatches)),
          new TensorSpec("spatial_shapes", DataType.INT64, Shape.of(2)));
    }

    @Override
    public Map<String, Tensor> inputs(PatchGrid grid, Tensor patches, TensorAllocator memory) {
      Tensor mask = memory.allocate(DataType.INT32, Shape.of(maxPatches));
      for (int i = 0; i < grid.patches(); i++) {
        mask.setInt(i, 1);
      }
      Tensor shape = memory.allocate(DataType.INT64, Shape.of(2));
      shape.setLong(0, grid.rows());
      shape.setLong(1, grid.columns());
      return Map.of("pixel_values", patches, "pixel_attention_mask", mask, "spatial_shapes", shape);
    }
  }

  /// Qwen2-VL and its successors: squares of `mergeSize`² patches follow each other, for the model
  /// merges each into one token; each patch is there `temporalPatchSize` times, as if an image were
  /// so many equal frames.
  ///
  /// | input | type | shape | content |
  /// |---|---|---|---|
  /// | `pixel_values` | as the model wants | patches × (3 × temporalPatchSize × patchSize²) | a row is a patch; columns run over channel, frame, y, x |
  /// | `image_grid_thw` | INT64 | 3 | 1, rows and columns of the grid |
  record Merged(int patchSize, int temporalPatchSize, int mergeSize) implements PatchLayout {
    @Override
    public boolean isRaster() {
      return false;
    }

    private int patchValues() {
      return CHANNELS * temporalPatchSize * patchSize * patchSize;
    }

    @Override
    public List<TensorSpec> outputs(DataType type) {
      return List.of(
          new TensorSpec("pixel_values", type, Shape.of(Shape.ANY, patchValues())),
          new TensorSpec("image_grid_thw", DataType.INT64, Shape.of(3)));
    }

    @Override
    public RowSink sink(PatchGrid grid, Tensor patches, ValueTable table, Scratch scratch) {
      int width = grid.columns() * patchSize;
      return (y, rgb, at) -> {
        table.planar(rgb, at, width, scratch);
        for (int column = 0; column < grid.columns(); column++) {
          long patch = place(y / patchSize, column, grid.columns()) * patchValues();
          for (int channel = 0; channel < CHANNELS; channel++) {
            int from = channel * width + column * patchSize;
            for (int frame = 0; frame < temporalPatchSize; frame++) {
              long plane = (long) channel * temporalPatchSize + frame;
              long to = patch + (plane * patchSize + y % patchSize) * patchSize;
              table.copy(scratch, from, patchSize, patches.data(), to);
            }
          }
        }
      };
    }

    /// The row of the tensor that a patch of the grid goes to.
    private long place(int row, int column, int columns) {
      long square = (long) (row / mergeSize) * (columns / mergeSize) + column / mergeSize;
      int within = row % mergeSize * mergeSize + column % mergeSize;
      return square * mergeSize * mergeSize + within;
    }

    @Override
    public Tensor patches(PatchGrid grid, DataType type, TensorAllocator memory) {
      return memory.allocate(type, Shape.of(grid.patches(), patchValues()));
    }

    @Override
    public Map<String, Tensor> inputs(PatchGrid grid, Tensor patches, TensorAllocator memory) {
      Tensor shape = memory.allocate(DataType.INT64, Shape.of(3));
      shape.setLong(0, 1);
      shape.setLong(1, grid.rows());
      shape.setLong(2, grid.columns());
      return Map.of("pixel_values", patches, "image_grid_thw", shape);
    }
  }

  /// Fovea's own models take bytes; normalising them is the model's affair.
  ///
  /// | input | type | shape | content |
  /// |---|---|---|---|
  /// | `patches` | UINT8 | maxPatches × (patchSize² × 3) | a row is a patch, in raster order; columns run over y, x, channel |
  /// | `patch_mask` | BOOL | maxPatches | true where a row carries a patch |
  /// | `patch_positions` | INT32 | maxPatches × 2 | row and column of the patch in the grid |
  record Fovea(int patchSize, int maxPatches) implements PatchLayout {
    @Override
    public List<TensorSpec> outputs(DataType type) {
      long patchValues = (long) patchSize * patchSize * CHANNELS;
      return List.of(
          new TensorSpec("patches", type, Shape.of(maxPatches, patchValues)),
          new TensorSpec("patch_mask", DataType.BOOL, Shape.of(maxPatches)),
          new TensorSpec("patch_positions", DataType.INT32, Shape.of(maxPatches, 2)));
    }

    @Override
    public Map<String, Tensor> inputs(PatchGrid grid, Tensor patches, TensorAllocator memory) {
      Tensor mask = memory.allocate(DataType.BOOL, Shape.of(maxPatches));
      mask.data().asSlice(0, grid.patches()).fill((byte) 1);
      return Map.of(
          "patches", patches, "patch_mask", mask, "patch_positions", positions(grid, memory));
    }

    private Tensor positions(PatchGrid grid, TensorAllocator memory) {
      Tensor positions = memory.allocate(DataType.INT32, Shape.of(maxPatches, 2));
      int at = 0;
      for (int row = 0; row < grid.rows(); row++) {
        for (int column = 0; column < grid.columns(); column++) {
          positions.setInt(at++, row);
          positions.setInt(at++, column);
        }
      }
      return positions;
    }
  }
}
