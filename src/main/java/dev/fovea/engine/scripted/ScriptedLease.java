package dev.fovea.engine.scripted;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.Batches;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceSlots;
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
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private final SequenceSlots sequences;
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile boolean closed;

  ScriptedLease(ServableModel model, Script script, Clock clock, int queueSize) {
    this.model = model;
    this.script = script;
    this.clock = clock;
    this.queueSize = queueSize;
    this.slots = new Semaphore(model.instances(), true);
    this.sequences = new SequenceSlots(model, clock, maxSequences(), queueSize);
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
    if (closed || request.deadline().expired()) {
      slots.release();
      throw closed ? Refusals.released(model) : Deadline.exceeded("the model's answer");
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
      return Outcome.done(wanted(script.answer(model, row), request));
    } catch (GatewayException refusal) {
      return Outcome.failed(refusal);
    } catch (RuntimeException e) {
      throw Refusals.failed(model, e);
    }
  }

  private Map<String, Tensor> wanted(Map<String, Tensor> answer, InferRequest request) {
    Map<String, Tensor> wanted = new HashMap<>();
    for (String name : request.outputs()) {
      wanted.put(name, checked(name, answer));
    }
    return wanted;
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

  /// All sequences run at once, each step as long as the script says: as in a running batch.
  @Override
  public Sequence openSequence() {
    return new ScriptedSequence();
  }

  @Override
  public int maxSequences() {
    return model.instances() * Math.max(1, model.signature().sequencing().maxSequences());
  }

  @Override
  public int sequences() {
    return sequences.taken() + sequences.waiting();
  }

  @Override
  public int waiting() {
    return waiting.get();
  }

  private final class ScriptedSequence implements Sequence {
    private final List<Map<String, Tensor>> steps = new ArrayList<>();
    private boolean started;
    private boolean ended;

    @Override
    public Map<String, Tensor> step(InferRequest request) throws InterruptedException {
      Map<String, Tensor> row = request.rows().getFirst();
      model.signature().requireRow(row);
      request.deadline().check("inference");
      if (closed || ended) {
        throw Refusals.released(model);
      }
      if (!started) {
        sequences.take(request);
        started = true;
      }
      long start = clock.nanoTime();
      try {
        stay(script.delay(model, List.of(row)), request.deadline());
        steps.add(row);
        return wanted(script.step(model, List.copyOf(steps)), request);
      } catch (GatewayException refusal) {
        throw refusal;
      } catch (RuntimeException e) {
        throw Refusals.failed(model, e);
      } finally {
        request.timings().add(Stage.BACKEND, clock.nanoTime() - start);
      }
    }

    @Override
    public Map<String, Tensor> lastStep(InferRequest request) throws InterruptedException {
      Map<String, Tensor> outputs = step(request);
      close();
      return outputs;
    }

    @Override
    public void close() {
      if (started && !ended) {
        sequences.giveBack();
      }
      ended = true;
    }
  }

  @Override
  public AnswerStream openStream(InferRequest request) {
    model.signature().requireRow(request.rows().getFirst());
    Iterator<Map<String, Tensor>> answers = script.answers(model, request.rows().getFirst());
    return new AnswerStream() {
      @Override
      public Optional<Map<String, Tensor>> next() throws InterruptedException {
        try {
          stay(script.delay(model, request.rows()), request.deadline());
          return answers.hasNext()
              ? Optional.of(wanted(answers.next(), request))
              : Optional.empty();
        } catch (GatewayException refusal) {
          throw refusal;
        } catch (RuntimeException e) {
          throw Refusals.failed(model, e);
        }
      }

      @Override
      public void close() {}
    };
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
