package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceSlots;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// A loaded model of sequences: its instances, each with a running batch that sequences join and
/// leave between steps, and as many places for what they keep as the configuration says.
final class OnnxSequenceLease extends OnnxLease {
  private final SequenceSlots slots;
  private final List<StepRunner> runners = new ArrayList<>();

  OnnxSequenceLease(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      int queueSize) {
    super(session, model);
    this.slots = new SequenceSlots(model, clock, maxSequences(model), queueSize);
    for (int i = 0; i < model.instances(); i++) {
      runners.add(StepRunner.start(environment, session, model, clock, slots, i));
    }
  }

  private static int maxSequences(ServableModel model) {
    return model.instances() * Math.max(1, model.signature().sequencing().maxSequences());
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request) {
    throw new UnsupportedOperationException(model() + " runs sequences, not rows");
  }

  @Override
  public Sequence openSequence() {
    requireOpen();
    return new OnnxSequence(model(), slots, this::leastTaken);
  }

  /// The instance that a new sequence goes to.
  private StepRunner leastTaken() {
    return runners.stream().min(Comparator.comparingInt(StepRunner::sequences)).orElseThrow();
  }

  @Override
  public boolean forksSequences() {
    return true;
  }

  @Override
  public int maxSequences() {
    return maxSequences(model());
  }

  @Override
  public int sequences() {
    return slots.taken() + slots.waiting();
  }

  @Override
  List<StepRunner> instances() {
    return runners;
  }

  @Override
  void stop() {
    runners.forEach(StepRunner::stop);
  }
}
