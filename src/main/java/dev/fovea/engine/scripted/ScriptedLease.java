package dev.fovea.engine.scripted;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.Batches;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.Stage;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// The slots of one scripted model. The calling thread is the engine: it waits for a slot, asks the
/// script, and stays as long as the script says.
final class ScriptedLease implements Lease {
  private final ServableModel model;
  private final Script script;
  private final Clock clock;
  private final int queueSize;
  private final Semaphore slots;
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile boolean closed;

  ScriptedLease(ServableModel model, Script script, Clock clock, int queueSize) {
    this.model = model;
    this.script = script;
    this.clock = clock;
    this.queueSize = queueSize;
    this.slots = new Semaphore(model.instances(), true);
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
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    request.rows().forEach(model.signature()::requireRow);
    request.deadline().check("inference");
    List<Outcome<Map<String, Tensor>>> outcomes =
        new ArrayList<>(Collections.nCopies(request.rows().size(), null));
    for (int[] places : Batches.of(request.rows(), model.signature().maxBatchSize())) {
      takeSlot(request);
      try {
        run(request, places, outcomes);
      } finally {
        slots.release();
      }
    }
    return outcomes;
  }

  private void takeSlot(InferRequest request) throws InterruptedException {
    long start = clock.nanoTime();
    if (waiting.incrementAndGet() > queueSize + slots.availablePermits()) {
      waiting.decrementAndGet();
      throw Refusals.queueFull(model, queueSize);
    }
    try {
      if (!slots.tryAcquire(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS)) {
        throw Deadline.exceeded("the model's answer");
      }
    } finally {
      waiting.decrementAndGet();
      request.timings().add(Stage.QUEUE, clock.nanoTime() - start);
    }
    if (closed) {
      slots.release();
      throw Refusals.released(model);
    }
  }

  private void run(InferRequest request, int[] places, List<Outcome<Map<String, Tensor>>> outcomes)
      throws InterruptedException {
    long start = clock.nanoTime();
    List<Map<String, Tensor>> batch = new ArrayList<>();
    for (int place : places) {
      batch.add(request.rows().get(place));
    }
    try {
      stay(script.delay(model, batch), request.deadline());
      for (int i = 0; i < places.length; i++) {
        outcomes.set(places[i], answer(batch.get(i), request));
      }
    } finally {
      request.timings().add(Stage.BACKEND, clock.nanoTime() - start);
    }
  }

  private void stay(Duration delay, Deadline deadline) throws InterruptedException {
    long nanos = Math.min(delay.toNanos(), deadline.remainingNanos());
    boolean woken = new CountDownLatch(1).await(nanos, TimeUnit.NANOSECONDS);
    if (woken || nanos < delay.toNanos()) {
      throw Deadline.exceeded("the model's answer");
    }
  }

  private Outcome<Map<String, Tensor>> answer(Map<String, Tensor> row, InferRequest request) {
    try {
      Map<String, Tensor> answer = script.answer(model, row);
      Map<String, Tensor> wanted = new HashMap<>();
      for (String name : request.outputs()) {
        wanted.put(name, checked(name, answer));
      }
      return Outcome.done(wanted);
    } catch (GatewayException refusal) {
      return Outcome.failed(refusal);
    } catch (RuntimeException e) {
      throw Refusals.failed(model, e);
    }
  }

  private Tensor checked(String name, Map<String, Tensor> answer) {
    TensorSpec spec =
        model
            .signature()
            .output(name)
            .orElseThrow(() -> new IllegalArgumentException("output: no " + name));
    Tensor tensor = answer.get(name);
    if (tensor == null || !spec.accepts(tensor)) {
      throw new IllegalStateException(
          "output " + name + ": " + tensor + " (expected: " + spec + ")");
    }
    return tensor;
  }

  @Override
  public boolean ready() {
    return !closed;
  }

  @Override
  public int slots() {
    return model.instances();
  }

  /// Waits for every slot to come back, so that nothing is under way any more.
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      slots.acquireUninterruptibly(model.instances());
      slots.release(model.instances());
    }
  }
}
