package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.engine.Batches;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/// A loaded model of independent rows: a bounded queue of batches and the instances that take from
/// it.
final class OnnxRowLease extends OnnxLease {
  private final int queueSize;
  private final BlockingQueue<Batch> queue;
  private final List<OnnxInstance> instances = new ArrayList<>();
  private final Clock clock;

  OnnxRowLease(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      int queueSize) {
    super(session, model);
    this.clock = clock;
    this.queueSize = queueSize;
    this.queue = new ArrayBlockingQueue<>(queueSize);
    for (int i = 0; i < model.instances(); i++) {
      instances.add(OnnxInstance.start(environment, session, model, queue, i));
    }
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    request.rows().forEach(model().signature()::requireRow);
    request.deadline().check("inference");
    List<Batch> batches = new ArrayList<>();
    for (int[] places : Batches.of(request.rows(), model().signature().maxBatchSize())) {
      batches.add(new Batch(request, places, clock));
    }
    try {
      batches.forEach(this::submit);
      return gather(request, batches);
    } finally {
      batches.forEach(Batch::abandon);
    }
  }

  private void submit(Batch batch) {
    requireOpen();
    if (!queue.offer(batch)) {
      throw Refusals.queueFull(model(), queueSize);
    }
    if (!ready() && queue.remove(batch)) {
      throw Refusals.released(model());
    }
  }

  private static List<Outcome<Map<String, Tensor>>> gather(
      InferRequest request, List<Batch> batches) throws InterruptedException {
    List<Outcome<Map<String, Tensor>>> outcomes =
        new ArrayList<>(Collections.nCopies(request.rows().size(), null));
    for (Batch batch : batches) {
      List<Map<String, Tensor>> answers = batch.await();
      for (int i = 0; i < answers.size(); i++) {
        outcomes.set(batch.places()[i], Outcome.done(answers.get(i)));
      }
    }
    return outcomes;
  }

  @Override
  List<OnnxInstance> instances() {
    return instances;
  }

  @Override
  void stop() {
    instances.forEach(OnnxInstance::stop);
    for (Batch left = queue.poll(); left != null; left = queue.poll()) {
      left.fail(Refusals.released(model()));
    }
  }
}
