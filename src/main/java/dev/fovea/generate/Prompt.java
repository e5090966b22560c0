package dev.fovea.generate;

import dev.fovea.tensor.Tensor;
import java.util.Map;

/// What a decoder begins with.
///
/// @param ids the tokens of the conversation; readers must not write
/// @param images the inputs that hold what was seen, by name, as the first step takes them
public record Prompt(long[] ids, Map<String, Tensor> images) {
  public Prompt {
    images = Map.copyOf(images);
  }

  public int length() {
    return ids.length;
  }

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return ids.length + " tokens, " + images.keySet();
  }
}
