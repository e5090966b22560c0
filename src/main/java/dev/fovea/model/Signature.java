package dev.fovea.model;

import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a model takes and gives, row by row, and how.
///
/// @param inputs every tensor of a row
/// @param outputs every tensor of an answer
/// @param maxBatchSize most rows of one execution, 1 or more
/// @param interaction how requests reach it
/// @param sequencing what is kept of a sequence; nothing unless the interaction is `SEQUENCE`
public record Signature(
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    int maxBatchSize,
    Interaction interaction,
    Sequencing sequencing) {
  public Signature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    if (maxBatchSize < 1) {
      throw new IllegalArgumentException("maxBatchSize: " + maxBatchSize + " (expected: > 0)");
    }
  }

  /// A model of independent rows.
  public Signature(List<TensorSpec> inputs, List<TensorSpec> outputs, int maxBatchSize) {
    this(inputs, outputs, maxBatchSize, Interaction.ROWS);
  }

  /// A model of which nothing is kept that a configuration names.
  public Signature(
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      int maxBatchSize,
      Interaction interaction) {
    this(inputs, outputs, maxBatchSize, interaction, Sequencing.NONE);
  }

  public Optional<TensorSpec> input(String name) {
    return find(inputs, name);
  }

  public Optional<TensorSpec> output(String name) {
    return find(outputs, name);
  }

  private static Optional<TensorSpec> find(List<TensorSpec> specs, String name) {
    return specs.stream().filter(spec -> spec.name().equals(name)).findFirst();
  }

  /// Checks that a row has every input of the model and nothing else.
  ///
  /// @throws IllegalArgumentException naming the input at fault: rows are made by our own code,
  ///   never by a client
  public void requireRow(Map<String, Tensor> row) {
    for (TensorSpec input : inputs) {
      Tensor tensor = row.get(input.name());
      if (tensor == null || !input.accepts(tensor)) {
        throw new IllegalArgumentException(
            "input " + input.name() + ": " + tensor + " (expected: " + input + ")");
      }
    }
    if (row.size() != inputs.size()) {
      throw new IllegalArgumentException("inputs: " + row.keySet() + " (expected: " + inputs + ")");
    }
  }
}
