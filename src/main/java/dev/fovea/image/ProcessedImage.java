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
}
