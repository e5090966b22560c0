package dev.fovea.engine.scripted;

import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// What a scripted engine says, and how long it takes. Called from many threads at once.
@FunctionalInterface
public interface Script {
  /// The outputs of one row, by name.
  ///
  /// @throws dev.fovea.failure.GatewayException to fail this row alone
  /// @throws RuntimeException to fail the whole batch, as an engine does that breaks
  Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row);

  /// How long the execution of a batch takes. Default: no time.
  default Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    return Duration.ZERO;
  }
}
