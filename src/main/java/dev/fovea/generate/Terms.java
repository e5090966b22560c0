package dev.fovea.generate;

import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Place;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Under which terms the engine works for a call.
///
/// @param deadline until when the text is of use
/// @param criticality how much it matters
/// @param timings where the engine's time is added
public record Terms(Deadline deadline, Criticality criticality, StageTimings timings) {
  InferRequest request(Map<String, Tensor> row, Set<String> outputs) {
    return new InferRequest(List.of(row), outputs, deadline, criticality, Place.NONE, timings);
  }

  /// The same with less time.
  Terms until(Deadline sooner) {
    return new Terms(sooner, criticality, timings);
  }
}
