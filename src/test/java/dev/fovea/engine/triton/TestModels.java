package dev.fovea.engine.triton;

import dev.fovea.engine.ContractModel;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.Interaction;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The models of `src/test/triton/models`, as this side sees them.
final class TestModels {
  private TestModels() {}

  /// The contract model with one instance, batches of one and a queue of one request.
  static ServableModel narrow() {
    Signature contract = ContractModel.signature();
    return servable("narrow", new Signature(contract.inputs(), contract.outputs(), 1), 1);
  }

  /// A stepped decoder.
  static ServableModel steps() {
    return servable(
        "steps",
        new Signature(
            List.of(new TensorSpec("token", DataType.INT64, Shape.of(1))),
            List.of(new TensorSpec("logits", DataType.FP32, Shape.of(32))),
            16,
            Interaction.SEQUENCE),
        1);
  }

  /// A decoupled model that counts.
  static ServableModel drip() {
    return servable(
        "drip",
        new Signature(
            List.of(
                new TensorSpec("count", DataType.INT64, Shape.of(1)),
                new TensorSpec("fail_at", DataType.INT64, Shape.of(1))),
            List.of(new TensorSpec("number", DataType.INT64, Shape.of(1))),
            1,
            Interaction.DECOUPLED),
        1);
  }

  static ServableModel servable(String name, Signature signature, int instances) {
    return new ServableModel(
        name,
        "1",
        name,
        Role.VISION,
        Path.of("src/test/triton/models", name),
        signature,
        BatchPolicy.DEFAULT,
        instances,
        0,
        Map.of(),
        signature.outputs().getFirst().name(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        "",
        "");
  }
}
