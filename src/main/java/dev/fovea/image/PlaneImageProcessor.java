package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Processors that make one picture of an image and hand its planes to the model, which cuts them
/// into patches by itself: CLIP, SigLIP, ViT, DeiT, DINOv2, ConvNeXt, BLIP, LLaVA-1.5, Pixtral.
///
/// | input | type | shape | content |
/// |---|---|---|---|
/// | `pixel_values` | as the model wants | 3 × height × width | planes of red, green and blue |
/// | `image_sizes` | INT64 | 2 | height and width of the picture; Pixtral only |
final class PlaneImageProcessor implements ImageProcessor {
  /// A square of the most pixels that an image can reasonably have: what rules that depend on the
  /// image make of it is a model's default input.
  static final int LARGE_SIDE = 1 << 14;

  private final Recipe recipe;
  private final Geometry geometry;
  private final Optional<List<Integer>> surround;
  private final boolean tellsSizes;

  /// @param surround the colour of the square that an image is put into the middle of first; absent
  ///   where it is not
  /// @param tellsSizes whether there is an input `image_sizes`
  PlaneImageProcessor(
      Recipe recipe, Geometry geometry, Optional<List<Integer>> surround, boolean tellsSizes) {
    this.recipe = recipe;
    this.geometry = geometry;
    this.surround = surround;
    this.tellsSizes = tellsSizes;
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    Raster image = surrounded(Raster.of(pixels));
    Placement placement = geometry.place(image.width(), image.height(), recipe.backend());
    Shape shape = Shape.of(CHANNELS, placement.height(), placement.width());
    Tensor planes = memory.allocate(recipe.type(), shape);
    try (Scratch scratch = Scratch.take()) {
      recipe.writePlanes(image, placement, 0, 1, 1, planes, scratch);
    }
    Map<String, Tensor> inputs = new HashMap<>(Map.of("pixel_values", planes));
    if (tellsSizes) {
      inputs.put("image_sizes", sizes(placement.height(), placement.width(), memory));
    }
    return new ProcessedImage(inputs, 0);
  }

  /// The image's part of the square where it is put into one.
  @Override
  public DecodeTarget target(int width, int height) {
    int side = Math.max(width, height);
    Size framed = surround.isPresent() ? new Size(side, side) : new Size(width, height);
    Placement placement = geometry.place(framed.width(), framed.height(), recipe.backend());
    return new DecodeTarget(
        share(placement.resizedWidth(), width, framed.width()),
        share(placement.resizedHeight(), height, framed.height()));
  }

  private static int share(int resized, int part, int whole) {
    return (int) Math.ceilDiv((long) resized * part, whole);
  }

  private Raster surrounded(Raster image) {
    return surround
        .map(colour -> image.squared(colour.get(0), colour.get(1), colour.get(2)))
        .orElse(image);
  }

  static Tensor sizes(int height, int width, TensorAllocator memory) {
    Tensor sizes = memory.allocate(DataType.INT64, Shape.of(2));
    sizes.setLong(0, height);
    sizes.setLong(1, width);
    return sizes;
  }

  @Override
  public List<TensorSpec> outputs() {
    Shape shape =
        geometry
            .fixedSize()
            .map(size -> Shape.of(CHANNELS, size.height(), size.width()))
            .orElse(Shape.of(CHANNELS, Shape.ANY, Shape.ANY));
    List<TensorSpec> outputs = new ArrayList<>();
    outputs.add(new TensorSpec("pixel_values", recipe.type(), shape));
    if (tellsSizes) {
      outputs.add(new TensorSpec("image_sizes", DataType.INT64, Shape.of(2)));
    }
    return outputs;
  }

  @Override
  public ProcessorInfo info() {
    Size size = geometry.fixedSize().orElseGet(() -> geometry.rule().apply(LARGE_SIDE, LARGE_SIDE));
    return recipe.info(size, 0, 0, geometry.rule().keepsAspect());
  }

  @Override
  public String specification() {
    String square = surround.map(colour -> " square=" + colour).orElse("");
    return recipe.specification(geometry.specification() + square);
  }
}
