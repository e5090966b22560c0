package dev.fovea.image;

import dev.fovea.tensor.Tensor;
import java.util.Map;

/// One image as a row of a model's inputs.
///
/// @param inputs the tensors by input name, without the batch extent; the memory belongs to whoever
///   holds this
/// @param patches how many patches carry the image, padding not counted; zero where the model takes
///   pixels
public record ProcessedImage(Map<String, Tensor> inputs, int patches) {
  public ProcessedImage {
    inputs = Map.copyOf(inputs);
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
