package dev.fovea.engine.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.RunOptions;
import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.engine.Refusals;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;

/// One execution at a time: a platform thread that takes batches from the queue, gathers their rows
/// into native memory, runs the model and scatters its outputs.
final class OnnxInstance {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final ServableModel model;
  private final BlockingQueue<Batch> queue;
  private final Thread thread;
  private final Map<String, BatchMemory> memory = new HashMap<>();
  private volatile boolean stopped;

  private OnnxInstance(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      BlockingQueue<Batch> queue,
      int number) {
    this.environment = environment;
    this.session = session;
    this.model = model;
    this.queue = queue;
    this.thread =
        Thread.ofPlatform().daemon().name(model.name() + "-" + number).unstarted(this::takeBatches);
    for (TensorSpec input : model.signature().inputs()) {
      memory.put(input.name(), new BatchMemory());
    }
  }

  static OnnxInstance start(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      BlockingQueue<Batch> queue,
      int number) {
    OnnxInstance instance = new OnnxInstance(environment, session, model, queue, number);
    instance.thread.start();
    return instance;
  }

  /// Ends the thread after the batch that it is at.
  void stop() {
    stopped = true;
    thread.interrupt();
    Uninterruptibles.joinUninterruptibly(thread);
  }

  private void takeBatches() {
    while (!stopped) {
      try {
        serve(queue.take());
      } catch (InterruptedException _) {
        // Only stop() interrupts: the condition of the loop ends it.
      }
    }
  }

  private void serve(Batch batch) {
    try (RunOptions options = new RunOptions()) {
      if (batch.begin(options)) {
        batch.complete(runToTheEnd(batch, options));
      }
    } catch (OrtException | RuntimeException | Error e) {
      batch.fail(Refusals.failed(model, e));
    }
  }

  private List<Map<String, Tensor>> runToTheEnd(Batch batch, RunOptions options)
      throws OrtException {
    try {
      return run(batch, options);
    } finally {
      batch.end();
    }
  }

  private List<Map<String, Tensor>> run(Batch batch, RunOptions options) throws OrtException {
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      for (TensorSpec input : model.signature().inputs()) {
        inputs.put(input.name(), gather(batch, input));
      }
      try (OrtSession.Result result = session.run(inputs, batch.request().outputs(), options)) {
        return scatter(batch, result);
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor gather(Batch batch, TensorSpec input) throws OrtException {
    Tensor first = batch.input(0, input.name());
    long rowSize = first.data().byteSize();
    BatchMemory batchMemory = requireNonNull(memory.get(input.name()));
    MemorySegment target = batchMemory.ofSize(rowSize * batch.size());
    for (int row = 0; row < batch.size(); row++) {
      MemorySegment.copy(batch.input(row, input.name()).data(), 0, target, row * rowSize, rowSize);
    }
    return OnnxTensor.createTensor(
        environment,
        target.asByteBuffer(),
        first.shape().batched(batch.size()).toArray(),
        OnnxTypes.onnxType(input.type()));
  }

  private List<Map<String, Tensor>> scatter(Batch batch, OrtSession.Result result) {
    List<Map<String, Tensor>> rows = new ArrayList<>();
    for (int row = 0; row < batch.size(); row++) {
      rows.add(new HashMap<>());
    }
    for (String name : batch.request().outputs()) {
      Tensor output = OutputReader.read(model, name, result, batch.size());
      for (int row = 0; row < batch.size(); row++) {
        rows.get(row).put(name, output.row(row));
      }
    }
    return rows;
  }

  @Override
  public String toString() {
    return thread.getName();
  }
}
