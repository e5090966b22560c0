package dev.fovea.engine;

import dev.fovea.engine.scripted.Script;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The contract model by hand: a turn takes 100 microseconds.
public final class ContractScript implements Script {
  @Override
  public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
    if (number(row, "index") != 0) {
      throw new IllegalArgumentException("index: out of range");
    }
    Tensor x = row.get("x");
    float[] doubled = x.toFloats();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] = 2 * doubled[i] + 1;
    }
    return Map.of(
        "doubled", Tensor.ofFloats(x.shape(), doubled),
        "copied", Tensor.ofFloats(x.shape(), x.toFloats()));
  }

  @Override
  public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    long turns = batch.stream().mapToLong(row -> number(row, "spin")).max().orElse(0);
    return Duration.ofNanos(turns * 100_000);
  }

  private static long number(Map<String, Tensor> row, String name) {
    return row.get(name).data().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
  }
}
