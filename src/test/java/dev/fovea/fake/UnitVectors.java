package dev.fovea.fake;

import dev.fovea.engine.scripted.Script;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// A script that answers every row at once with a vector that is 1 at one place.
public class UnitVectors implements Script {
  @Override
  public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
    return vector(model, 0);
  }

  @Override
  public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    return Duration.ZERO;
  }

  /// The output of an encoder, 1 at `place`.
  public static Map<String, Tensor> vector(ServableModel model, int place) {
    Shape shape = model.signature().output(model.embeddingOutput()).orElseThrow().shape();
    float[] vector = new float[(int) shape.extent(0)];
    vector[place] = 1;
    return Map.of(model.embeddingOutput(), Tensor.ofFloats(Shape.of(vector.length), vector));
  }
}
