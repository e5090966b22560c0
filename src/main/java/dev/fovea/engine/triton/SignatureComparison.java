package dev.fovea.engine.triton;

import dev.fovea.failure.Fault;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import inference.ModelConfig;
import inference.ModelInput;
import inference.ModelMetadataResponse;
import inference.ModelMetadataResponse.TensorMetadata;
import inference.ModelOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Holds a model as a server describes it against the repository: a difference that is not found
/// here would show as wrong answers.
final class SignatureComparison {
  private final ServableModel model;
  private final List<Fault> faults = new ArrayList<>();

  private SignatureComparison(ServableModel model) {
    this.model = model;
  }

  /// One tensor as the server describes it, without the batch.
  private record Described(String type, List<Long> dims, boolean optional) {
    @Override
    public String toString() {
      return type + " " + dims.toString().replace(" ", "");
    }
  }

  /// @return both sides of each difference: the server's as what was found, the repository's as
  ///   what was expected
  static List<Fault> of(ServableModel model, ModelConfig config) {
    SignatureComparison comparison = new SignatureComparison(model);
    Map<String, Described> inputs = new HashMap<>();
    for (ModelInput input : config.getInputList()) {
      inputs.put(
          input.getName(),
          new Described(typeName(input.getDataType()), input.getDimsList(), input.getOptional()));
    }
    Map<String, Described> outputs = new HashMap<>();
    for (ModelOutput output : config.getOutputList()) {
      outputs.put(
          output.getName(),
          new Described(typeName(output.getDataType()), output.getDimsList(), false));
    }
    comparison.compare(inputs, outputs);
    int batchSize = model.signature().maxBatchSize();
    if (config.getMaxBatchSize() != batchSize) {
      comparison.fault("max_batch_size", config.getMaxBatchSize(), batchSize);
    }
    Interaction interaction =
        config.getModelTransactionPolicy().getDecoupled()
            ? Interaction.DECOUPLED
            : config.hasSequenceBatching() ? Interaction.SEQUENCE : Interaction.ROWS;
    if (interaction != model.signature().interaction()) {
      comparison.fault("interaction", interaction, model.signature().interaction());
    }
    return comparison.faults;
  }

  /// As [#of(ServableModel, ModelConfig)] for servers that describe no more than tensors, the batch
  /// included.
  static List<Fault> of(ServableModel model, ModelMetadataResponse metadata) {
    SignatureComparison comparison = new SignatureComparison(model);
    comparison.compare(described(metadata.getInputsList()), described(metadata.getOutputsList()));
    return comparison.faults;
  }

  private static Map<String, Described> described(List<TensorMetadata> tensors) {
    Map<String, Described> described = new HashMap<>();
    for (TensorMetadata tensor : tensors) {
      List<Long> shape = tensor.getShapeList();
      described.put(
          tensor.getName(),
          new Described(
              tensor.getDatatype(), shape.subList(Math.min(1, shape.size()), shape.size()), false));
    }
    return described;
  }

  private static String typeName(inference.DataType type) {
    return type == inference.DataType.TYPE_STRING ? "BYTES" : type.name().replace("TYPE_", "");
  }

  private void compare(Map<String, Described> inputs, Map<String, Described> outputs) {
    model.signature().inputs().forEach(spec -> compare("input", spec, inputs.remove(spec.name())));
    model.signature().outputs().forEach(spec -> compare("output", spec, outputs.get(spec.name())));
    inputs.forEach((name, input) -> {
      if (!input.optional()) {
        fault("input." + name, input, "no such input");
      }
    });
  }

  private void compare(String kind, TensorSpec spec, @Nullable Described found) {
    Described expected =
        new Described(
            spec.type().name(), Arrays.stream(spec.shape().toArray()).boxed().toList(), false);
    if (found == null) {
      fault(kind + "." + spec.name(), "missing", expected);
    } else if (!found.type().equals(expected.type()) || !fits(spec.shape(), found.dims())) {
      fault(kind + "." + spec.name(), found, expected);
    }
  }

  /// Equal, or open on the server's side where this side knows more.
  private static boolean fits(Shape shape, List<Long> dims) {
    if (dims.size() != shape.rank()) {
      return false;
    }
    for (int axis = 0; axis < dims.size(); axis++) {
      if (dims.get(axis) != Shape.ANY && dims.get(axis) != shape.extent(axis)) {
        return false;
      }
    }
    return true;
  }

  private void fault(String field, Object found, Object expected) {
    faults.add(
        new Fault(
            model.name() + ", as the server has it",
            field,
            String.valueOf(found),
            expected + ", as the repository says"));
  }
}
