package dev.fovea.task;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.util.Map;

/// What a model made of one row.
///
/// @param model which
/// @param outputs the outputs that were wanted, by name
record ModelAnswer(ServableModel model, Map<String, Tensor> outputs) {
  /// An output that was wanted.
  Tensor tensor(String output) {
    Tensor tensor = outputs.get(output);
    if (tensor == null) {
      throw new IllegalStateException("output: no " + output);
    }
    return tensor;
  }

  /// The numbers of an output that was wanted.
  ///
  /// @throws GatewayException with `BACKEND_ERROR` when one of them is not finite
  float[] floats(String output) {
    float[] numbers = tensor(output).toFloats();
    if (!Vectors.isFinite(numbers)) {
      throw unusable("with a number in " + output + " that is not finite");
    }
    return numbers;
  }

  /// The refusal of an answer that nothing can be made of.
  GatewayException unusable(String how) {
    return new GatewayException(Reason.BACKEND_ERROR, model.name() + " answered " + how)
        .with("model", model.name());
  }
}
