package dev.fovea.generate;

import dev.fovea.tensor.Tensor;
import java.util.List;
import java.util.Map;

/// What a decoder begins with.
///
/// @param ids the tokens of the conversation; readers must not write
/// @param images the inputs that hold what was seen, by name, as the first step takes them
/// @param patches where the patches of each image lie in those inputs; empty where that is not
///   known
public record Prompt(long[] ids, Map<String, Tensor> images, List<Patches> patches) {
  public Prompt {
    images = Map.copyOf(images);
    patches = List.copyOf(patches);
  }

  /// The rows of one image, without the padding behind them.
  ///
  /// @param from the first
  /// @param count how many
  public record Patches(int from, int count) {
    int end() {
      return from + count;
    }
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
