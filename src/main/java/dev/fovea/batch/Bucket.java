package dev.fovea.batch;

import com.google.common.collect.Interner;
import com.google.common.collect.Interners;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What rows must have in common to share a batch: the shapes of their inputs and the outputs that
/// are wanted. Equal buckets are one object, for a queue compares them very often.
final class Bucket {
  private static final Interner<Bucket> KNOWN = Interners.newWeakInterner();

  /// That of rows that have not come yet.
  static final Bucket UNKNOWN = of(Map.of(), Set.of());

  private final Map<String, Shape> shapes;
  private final Set<String> outputs;
  private final int hash;

  private Bucket(Map<String, Shape> shapes, Set<String> outputs) {
    this.shapes = shapes;
    this.outputs = outputs;
    this.hash = 31 * shapes.hashCode() + outputs.hashCode();
  }

  static Bucket of(Map<String, Tensor> row, Set<String> outputs) {
    Map<String, Shape> shapes = HashMap.newHashMap(row.size());
    row.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return KNOWN.intern(new Bucket(shapes, outputs));
  }

  Set<String> outputs() {
    return outputs;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Bucket bucket
            && shapes.equals(bucket.shapes)
            && outputs.equals(bucket.outputs));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return shapes + " -> " + outputs;
  }
}
