package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.List;

/// A loaded model: a session, and the instances that run it until the lease is closed.
abstract class OnnxLease implements Lease {
  private final OrtSession session;
  private final ServableModel model;
  private volatile boolean closed;

  OnnxLease(OrtSession session, ServableModel model) {
    this.session = session;
    this.model = model;
  }

  /// What runs the model, one for each execution at once.
  abstract List<?> instances();

  /// Waits for the executions under way and refuses what waits.
  abstract void stop();

  /// @throws dev.fovea.failure.GatewayException with `BACKEND_UNAVAILABLE` when it is closed
  void requireOpen() {
    if (closed) {
      throw Refusals.released(model);
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
  public boolean ready() {
    return !closed;
  }

  @Override
  public int slots() {
    return instances().size();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    stop();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("session of " + model, e);
    }
  }

  @Override
  public String toString() {
    return "ONNX Runtime, " + model + ", " + instances();
  }
}
