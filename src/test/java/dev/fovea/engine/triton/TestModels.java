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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The models of `src/test/triton/models`, as this side sees them.
final class TestModels {
  private static final List<TensorSpec> READER_INPUTS =
      List.of(
          new TensorSpec("token", DataType.INT64, Shape.of(Shape.ANY)),
          new TensorSpec("patches", DataType.FP32, Shape.of(Shape.ANY, 8)),
          new TensorSpec("patch_mask", DataType.BOOL, Shape.of(Shape.ANY)));

  private static final TensorSpec READER_LOGITS =
      new TensorSpec("logits", DataType.FP32, Shape.of(Shape.ANY, 32));

  private TestModels() {}

  /// The contract model with one instance, batches of one and a queue of one request.
  static ServableModel narrow() {
    Signature contract = ContractModel.signature();
    return servable("narrow", new Signature(contract.inputs(), contract.outputs(), 1), 1);
  }

  /// A decoder that reads a picture in its first step.
  static ServableModel reader() {
    return servable(
        "reader",
        new Signature(READER_INPUTS, List.of(READER_LOGITS), 16, Interaction.SEQUENCE),
        1);
  }

  /// The same decoder as a model of rows: whoever runs it carries its state from step to step.
  static ServableModel readerOfRows() {
    List<TensorSpec> inputs = new ArrayList<>(READER_INPUTS);
    List<TensorSpec> outputs = new ArrayList<>(List.of(READER_LOGITS));
    for (TensorSpec state :
        List.of(
            new TensorSpec("cache", DataType.FP32, Shape.of(32, 8)),
            new TensorSpec("memory", DataType.FP32, Shape.of(8, 9)),
            new TensorSpec("length", DataType.INT64, Shape.of(1)))) {
      inputs.add(new TensorSpec(state.name() + "_in", state.type(), state.shape()));
      outputs.add(new TensorSpec(state.name() + "_out", state.type(), state.shape()));
    }
    return servable(
        "reader",
        Path.of("src/test/triton/models/reader/1/model.onnx"),
        new Signature(inputs, outputs, 16),
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
    return servable(name, Path.of("src/test/triton/models", name), signature, instances);
  }

  private static ServableModel servable(
      String name, Path file, Signature signature, int instances) {
    return new ServableModel(
        name,
        "1",
        name,
        Role.VISION,
        file,
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
        "",
        Optional.empty());
  }
}
