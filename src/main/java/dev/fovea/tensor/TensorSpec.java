package dev.fovea.tensor;

import static java.util.Objects.requireNonNull;

/// What a named tensor must be.
///
/// @param name its name in the model
/// @param type what an element is
/// @param shape the extents of one row, without the batch; open where the request or the model
///   chooses
public record TensorSpec(String name, DataType type, Shape shape) {
  public TensorSpec {
    requireNonNull(name, "name");
    requireNonNull(type, "type");
    requireNonNull(shape, "shape");
  }

  /// Whether a row's tensor is what this asks for.
  public boolean accepts(Tensor tensor) {
    return tensor.type() == type && shape.accepts(tensor.shape());
  }

  @Override
  public String toString() {
    return name + " " + type + " " + shape;
  }
}
