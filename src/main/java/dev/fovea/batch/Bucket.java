package dev.fovea.batch;

import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// What rows must have in common to share a batch.
///
/// @param shapes of the inputs, by name
/// @param outputs that are wanted
record Bucket(Map<String, Shape> shapes, Set<String> outputs) {
  static Bucket of(Map<String, Tensor> row, Set<String> outputs) {
    Map<String, Shape> shapes = HashMap.newHashMap(row.size());
    row.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return new Bucket(shapes, outputs);
  }
}
