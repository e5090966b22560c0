package dev.fovea.tensor;

/// Gives out memory for tensors in the form that whoever reads them next can use without copying.
@FunctionalInterface
public interface TensorAllocator {
  /// A tensor of zeros, writable by the caller until it hands the tensor on.
  ///
  /// @throws IllegalArgumentException when the shape is open or too large
  Tensor allocate(DataType type, Shape shape);

  /// Plain heap memory.
  static TensorAllocator heap() {
    return Tensor::zeros;
  }
}
