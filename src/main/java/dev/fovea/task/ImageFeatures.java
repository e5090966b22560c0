package dev.fovea.task;

import dev.fovea.tensor.Tensor;
import java.util.Optional;

/// What the vision encoder has seen of an image, for models that read it. Shared, so nobody may
/// write.
///
/// @param features the encoder's output, patch by patch
/// @param mask which patches are of the image; absent where the encoder takes none
/// @param grid how the patches lie on the image; absent where that is not known
public record ImageFeatures(Tensor features, Optional<Tensor> mask, Optional<GridOnImage> grid) {
  /// Bytes of the objects around the numbers.
  private static final int OBJECTS = 256;

  /// Bytes that it takes in memory, about.
  public int bytes() {
    long bytes =
        OBJECTS
            + features.data().byteSize()
            + mask.map(tensor -> tensor.data().byteSize()).orElse(0L);
    return (int) Math.min(Integer.MAX_VALUE, bytes);
  }
}
