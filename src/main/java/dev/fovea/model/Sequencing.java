package dev.fovea.model;

import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import inference.ModelConfig;
import inference.ModelSequenceBatching;
import java.util.ArrayList;
import java.util.List;

/// What an engine keeps of a sequence from one step to the next: `sequence_batching` of a
/// `config.pbtxt`.
///
/// @param states the tensors that are kept, in the order of the configuration
/// @param maxSequences most sequences of one instance that are under way at once
public record Sequencing(List<State> states, int maxSequences) {
  /// Of a model that has no sequences.
  public static final Sequencing NONE = new Sequencing(List.of(), 0);

  /// Most sequences of one instance.
  private static final int MAX_SEQUENCES = 4096;

  public Sequencing {
    states = List.copyOf(states);
  }

  /// A tensor that is kept: zeros before the first step, then what the step before gave.
  ///
  /// @param input what the model reads it as
  /// @param output what the model gives it as; same type and shape
  public record State(TensorSpec input, TensorSpec output) {}

  static Sequencing read(String file, ModelConfig config, FaultLog faults) {
    if (!config.hasSequenceBatching()) {
      return NONE;
    }
    ModelSequenceBatching batching = config.getSequenceBatching();
    List<State> states = new ArrayList<>();
    for (var state : batching.getStateList()) {
      String field = "sequence_batching.state." + state.getInputName();
      List<Long> dims = state.getDimsList();
      var type = DataType.named(state.getDataType().name().replace("TYPE_", ""));
      boolean zero = state.getInitialStateCount() == 1 && state.getInitialState(0).getZeroData();
      boolean fixed = !dims.isEmpty() && dims.stream().allMatch(dim -> dim > 0);
      if (type.isEmpty() || !type.get().isFixedSize() || !fixed || !zero) {
        faults.add(
            file,
            field,
            state.getDataType() + " " + dims + (zero ? "" : ", not zeros at first"),
            "a type of a fixed size, every extent known, one initial_state of zero_data");
        continue;
      }
      Shape shape = Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
      states.add(
          new State(
              new TensorSpec(state.getInputName(), type.get(), shape),
              new TensorSpec(state.getOutputName(), type.get(), shape)));
    }
    int sequences =
        batching.hasOldest()
            ? batching.getOldest().getMaxCandidateSequences()
            : config.getMaxBatchSize();
    if (sequences < 1 || sequences > MAX_SEQUENCES) {
      faults.add(
          file,
          "sequence_batching.oldest.max_candidate_sequences",
          sequences,
          "1 to " + MAX_SEQUENCES);
    }
    return new Sequencing(states, sequences);
  }
}
