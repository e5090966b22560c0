package dev.fovea.engine.scripted;

import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.Iterator;
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

  /// The outputs of a step of a sequence.
  ///
  /// @param steps all of its steps so far, this one the last
  /// @throws dev.fovea.failure.GatewayException or any other exception to fail it
  default Map<String, Tensor> step(ServableModel model, List<Map<String, Tensor>> steps) {
    return answer(model, steps.getLast());
  }

  /// The answers of a decoupled model to one row.
  ///
  /// @throws dev.fovea.failure.GatewayException or any other exception to fail it, also when the
  ///   next answer is asked for
  default Iterator<Map<String, Tensor>> answers(ServableModel model, Map<String, Tensor> row) {
    return List.of(answer(model, row)).iterator();
  }

  /// How long the execution of a batch takes. Default: no time.
  default Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    return Duration.ZERO;
  }
}
