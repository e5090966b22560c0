package dev.fovea.image;

import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.List;

/// Turns pixels into a model's input tensors exactly as the model's reference processor does. A
/// plan compiled when the model is loaded; immutable, shared by all threads.
public interface ImageProcessor {
  /// Processes one image into memory taken from `memory`: one row of the model's inputs, without
  /// the batch extent.
  ProcessedImage process(Pixels pixels, TensorAllocator memory);

  /// The size that an image is resized to before anything is taken from it, for decoders that may
  /// stop early.
  ///
  /// @param width pixels a row of the image as it is shown
  /// @param height its rows
  default DecodeTarget target(int width, int height) {
    return DecodeTarget.WHOLE;
  }

  /// Whether every processed image has a [ProcessedImage#grid].
  default boolean tellsGrid() {
    return false;
  }

  /// The tensors that every processed image has, by name, type and shape of one row; an extent that
  /// depends on the image is open.
  List<TensorSpec> outputs();

  /// The processor for models that read patch by patch, which may want them finer than those that
  /// see a picture as a whole; of the same outputs, but for the number of patches. This one, where
  /// a model makes no difference.
  default ImageProcessor detailed() {
    return this;
  }

  /// What the plan does, for clients to read.
  ProcessorInfo info();

  /// Everything that the bytes of the result depend on, as one canonical line: the preprocessing
  /// digest is made of it.
  String specification();
}
