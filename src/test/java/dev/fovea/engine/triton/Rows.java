package dev.fovea.engine.triton;

import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.failure.Outcome;
import dev.fovea.tensor.Tensor;
import java.util.Map;

/// The contract model's answers.
final class Rows {
  private Rows() {}

  /// `doubled` of the first row.
  static float[] doubled(Lease lease, InferRequest request) throws InterruptedException {
    Outcome<Map<String, Tensor>> outcome = lease.infer(request).getFirst();
    return ((Outcome.Done<Map<String, Tensor>>) outcome).value().get("doubled").toFloats();
  }
}
