package dev.fovea.image;

import dev.fovea.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/// One image as a row of a model's inputs.
///
/// @param inputs the tensors by input name, without the batch extent; the memory belongs to whoever
///   holds this
/// @param patches how many patches carry the image, padding not counted; zero where the model takes
///   pixels
/// @param grid how the patches lie on the image: all of it is covered, and the rows of the tensors
///   are the patches in raster order, padding behind them; absent where that is not so
public record ProcessedImage(Map<String, Tensor> inputs, int patches, Optional<PatchGrid> grid) {
  public ProcessedImage {
    inputs = Map.copyOf(inputs);
  }

  /// An image of which no part of the inputs can be said to show a certain place.
  ProcessedImage(Map<String, Tensor> inputs, int patches) {
    this(inputs, patches, Optional.empty());
  }

  /// The tensor of one input.
  ///
  /// @throws IllegalArgumentException when the processor makes no such input
  public Tensor input(String name) {
    Tensor tensor = inputs.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "name: " + name + " (expected: one of " + inputs.keySet() + ")");
    }
    return tensor;
  }
}
