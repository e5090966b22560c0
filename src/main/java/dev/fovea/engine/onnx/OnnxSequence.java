package dev.fovea.engine.onnx;

import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceSlots;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A sequence in this process. It takes a place with its first step, and belongs to one instance
/// from then on.
final class OnnxSequence implements Sequence {
  private final ServableModel model;
  private final SequenceSlots slots;
  private final Supplier<StepRunner> runners;
  private @Nullable StepRunner runner;
  private StepRunner.@Nullable Member member;
  private boolean broken;
  private boolean ended;

  OnnxSequence(ServableModel model, SequenceSlots slots, Supplier<StepRunner> runners) {
    this.model = model;
    this.slots = slots;
    this.runners = runners;
  }

  @Override
  public Map<String, Tensor> step(InferRequest request) throws InterruptedException {
    if (ended || request.rows().size() != 1) {
      throw new IllegalStateException(
          ended ? "the sequence has ended" : "rows: " + request.rows().size() + " (expected: 1)");
    }
    if (broken) {
      throw Refusals.unavailable(
          model, "SEQUENCE_LOST", new IllegalStateException("a step before this one failed"));
    }
    model.signature().requireRow(request.rows().getFirst());
    request.deadline().check("inference");
    StepRunner on = runner;
    StepRunner.Member self = member;
    if (on == null || self == null) {
      slots.take(request);
      on = runners.get();
      self = on.join();
      runner = on;
      member = self;
    }
    broken = true;
    if (Thread.interrupted()) {
      throw new InterruptedException("the caller has gone");
    }
    Map<String, Tensor> outputs = on.step(self, request);
    broken = false;
    return outputs;
  }

  @Override
  public Map<String, Tensor> lastStep(InferRequest request) throws InterruptedException {
    Map<String, Tensor> outputs = step(request);
    close();
    return outputs;
  }

  /// Both stay with one instance, which has what is kept.
  @Override
  public Sequence fork() throws InterruptedException {
    if (broken || ended || runner == null || member == null) {
      throw new IllegalStateException("a sequence that has taken a step can be forked");
    }
    OnnxSequence fork = new OnnxSequence(model, slots, runners);
    slots.takeNow();
    fork.runner = runner;
    fork.member = runner.join();
    try {
      runner.copy(member, fork.member);
    } catch (InterruptedException | GatewayException e) {
      fork.close();
      throw e;
    }
    return fork;
  }

  @Override
  public void close() {
    if (!ended && runner != null && member != null) {
      runner.leave(member);
    }
    ended = true;
  }
}
