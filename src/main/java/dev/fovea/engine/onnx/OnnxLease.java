package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.engine.Batches;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/// A loaded model: a bounded queue of batches and the instances that take from it.
final class OnnxLease implements Lease {
  private final OrtSession session;
  private final ServableModel model;
  private final int queueSize;
  private final BlockingQueue<Batch> queue;
  private final List<OnnxInstance> instances = new ArrayList<>();
  private final Clock clock;
  private volatile boolean closed;

  OnnxLease(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      int queueSize) {
    this.session = session;
    this.model = model;
    this.clock = clock;
    this.queueSize = queueSize;
    this.queue = new ArrayBlockingQueue<>(queueSize);
    for (int i = 0; i < model.instances(); i++) {
      instances.add(OnnxInstance.start(environment, session, model, queue, i));
    }
  }

  @Override
  public ServableModel model() {
    return model;
  }

  /// Heap memory: instances gather rows into native memory of their own, one copy a row.
  @Override
  public Tensor allocate(DataType type, Shape shape) {
    return Tensor.zeros(type, shape);
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    request.rows().forEach(model.signature()::requireRow);
    request.deadline().check("inference");
    List<Batch> batches = new ArrayList<>();
    for (int[] places : Batches.of(request.rows(), model.signature().maxBatchSize())) {
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
    if (closed) {
      throw Refusals.released(model);
    }
    if (!queue.offer(batch)) {
      throw Refusals.queueFull(model, queueSize);
    }
    if (closed && queue.remove(batch)) {
      throw Refusals.released(model);
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
  public boolean ready() {
    return !closed;
  }

  @Override
  public int slots() {
    return instances.size();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    instances.forEach(OnnxInstance::stop);
    for (Batch left = queue.poll(); left != null; left = queue.poll()) {
      left.fail(Refusals.released(model));
    }
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("session of " + model, e);
    }
  }

  @Override
  public String toString() {
    return "ONNX Runtime, " + model + ", " + Arrays.toString(instances.toArray());
  }
}
