package dev.fovea.engine;

import static java.util.Objects.requireNonNull;

import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Rows to run through a model.
///
/// @param rows the inputs of each row, by name, without the batch extent; one row at least. The
///   engine only reads them
/// @param outputs the outputs that are wanted, one at least; no other is copied
/// @param deadline until when the answer is of use
/// @param criticality how much it matters when not all can be answered
/// @param place the room that was kept for the rows, or [Place#NONE]
/// @param timings where the time in queue and engine is added
public record InferRequest(
    List<Map<String, Tensor>> rows,
    Set<String> outputs,
    Deadline deadline,
    Criticality criticality,
    Place place,
    StageTimings timings) {
  public InferRequest {
    rows = List.copyOf(rows);
    outputs = Set.copyOf(outputs);
    requireNonNull(deadline, "deadline");
    requireNonNull(criticality, "criticality");
    requireNonNull(place, "place");
    requireNonNull(timings, "timings");
    if (rows.isEmpty() || outputs.isEmpty()) {
      throw new IllegalArgumentException(
          "request: %d rows, %d outputs (expected: one of each at least)"
              .formatted(rows.size(), outputs.size()));
    }
  }

  /// A request that matters as much as most, and for which no room was kept.
  public InferRequest(
      List<Map<String, Tensor>> rows,
      Set<String> outputs,
      Deadline deadline,
      StageTimings timings) {
    this(rows, outputs, deadline, Criticality.DEFAULT, Place.NONE, timings);
  }
}
