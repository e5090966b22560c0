package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceSlots;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// A loaded model of sequences: its instances, each with a running batch that sequences join and
/// leave between steps, and as many places for what they keep as the configuration says.
final class OnnxSequenceLease implements Lease {
  private final OrtSession session;
  private final ServableModel model;
  private final SequenceSlots slots;
  private final List<StepRunner> runners = new ArrayList<>();
  private volatile boolean closed;

  OnnxSequenceLease(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      int queueSize) {
    this.session = session;
    this.model = model;
    this.slots = new SequenceSlots(model, clock, maxSequences(model), queueSize);
    for (int i = 0; i < model.instances(); i++) {
      runners.add(StepRunner.start(environment, session, model, clock, slots, i));
    }
  }

  private static int maxSequences(ServableModel model) {
    return model.instances() * Math.max(1, model.signature().sequencing().maxSequences());
  }

  @Override
  public ServableModel model() {
    return model;
  }

  @Override
  public Tensor allocate(DataType type, Shape shape) {
    return Tensor.zeros(type, shape);
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request) {
    throw new UnsupportedOperationException(model + " runs sequences, not rows");
  }

  @Override
  public Sequence openSequence() {
    if (closed) {
      throw Refusals.released(model);
    }
    return new OnnxSequence(model, slots, this::leastTaken);
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
    return maxSequences(model);
  }

  @Override
  public int sequences() {
    return slots.taken() + slots.waiting();
  }

  @Override
  public boolean ready() {
    return !closed;
  }

  @Override
  public int slots() {
    return runners.size();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    runners.forEach(StepRunner::stop);
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("session of " + model, e);
    }
  }

  @Override
  public String toString() {
    return "ONNX Runtime, " + model + ", " + runners;
  }
}
