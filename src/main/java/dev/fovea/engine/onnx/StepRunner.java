package dev.fovea.engine.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.RunOptions;
import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.call.Clock;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.SequenceSlots;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.Stage;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// One instance of a model of sequences: a platform thread that takes the steps that wait, one
/// shape at a time, and runs them as one batch (continuous batching, Yu et al. 2022, "Orca").
/// Sequences join and leave between two runs.
///
/// When a run has ended, its sequences come back with their next steps one after the other, as fast
/// as their threads are. The instance waits for them a little, a part of what the run took, so that
/// the batch stays together. Where steps of several shapes wait, the smallest shape, which is that
/// of plain steps, goes every other time: a running stream waits for one chunk of another's prompt
/// at most.
final class StepRunner {
  /// The part of a run's time that its sequences are given to come back, and the most of it.
  private static final int LINGER_PART = 4;

  private static final long LONGEST_LINGER_NANOS = 2_000_000;

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final ServableModel model;
  private final Clock clock;
  private final SequenceSlots slots;
  private final Thread thread;
  private final SequenceMemory memory;
  private final Map<String, BatchMemory> inputs = new HashMap<>();

  /// Guards what follows, and the members' own state.
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final List<Step> waiting = new ArrayList<>();
  private final Queue<Copy> copies = new ArrayDeque<>();
  private final TreeSet<Integer> freePlaces = new TreeSet<>();
  private int sequences;

  /// Members of the last run that are neither back nor gone.
  private int expected;

  private long lingerUntilNanos;
  private boolean smallestRanLast;
  private boolean stopped;

  private StepRunner(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      SequenceSlots slots,
      int number) {
    this.environment = environment;
    this.session = session;
    this.model = model;
    this.clock = clock;
    this.slots = slots;
    this.memory = new SequenceMemory(environment, model.signature());
    this.thread =
        Thread.ofPlatform().daemon().name(model.name() + "-" + number).unstarted(this::run);
    model.signature().inputs().forEach(input -> inputs.put(input.name(), new BatchMemory()));
  }

  static StepRunner start(
      OrtEnvironment environment,
      OrtSession session,
      ServableModel model,
      Clock clock,
      SequenceSlots slots,
      int number) {
    StepRunner runner = new StepRunner(environment, session, model, clock, slots, number);
    runner.thread.start();
    return runner;
  }

  /// A sequence that this instance keeps something of.
  static final class Member {
    private final int place;
    private boolean started;
    private boolean expected;
    private boolean running;
    private boolean gone;

    private Member(int place) {
      this.place = place;
    }

    /// Where what is kept of it lies.
    int place() {
      return place;
    }

    /// Whether it has taken a step, so that there is something to keep.
    boolean started() {
      return started;
    }
  }

  /// A step that waits, or runs.
  private record Step(
      Member member,
      InferRequest request,
      long queuedNanos,
      CompletableFuture<Map<String, Tensor>> answer) {
    Map<String, Tensor> row() {
      return request.rows().getFirst();
    }
  }

  private record Copy(Member from, Member to, CompletableFuture<Boolean> done) {}

  /// Sequences that are here.
  int sequences() {
    lock.lock();
    try {
      return sequences;
    } finally {
      lock.unlock();
    }
  }

  Member join() {
    lock.lock();
    try {
      sequences++;
      Integer place = freePlaces.pollFirst();
      return new Member(place == null ? sequences - 1 : place);
    } finally {
      lock.unlock();
    }
  }

  /// Lets go of a sequence: at once, or when the run that it is part of has ended.
  void leave(Member member) {
    lock.lock();
    try {
      member.gone = true;
      back(member);
      waiting.removeIf(step -> step.member() == member);
      if (!member.running) {
        free(member);
      }
      signalUnlessLingering();
    } finally {
      lock.unlock();
    }
  }

  /// Wakes the thread when it has something to do. While it lingers for others it has not: to wake
  /// it for each that comes back would cost more than their steps.
  private void signalUnlessLingering() {
    if (linger() <= 0) {
      changed.signalAll();
    }
  }

  /// How long the members of the last run are still waited for, in nanoseconds.
  private long linger() {
    return expected == 0 ? 0 : lingerUntilNanos - clock.nanoTime();
  }

  private void free(Member member) {
    sequences--;
    freePlaces.add(member.place);
    slots.giveBack();
  }

  private void back(Member member) {
    expected -= member.expected ? 1 : 0;
    member.expected = false;
  }

  /// Takes one step of a sequence, and waits for what comes of it.
  Map<String, Tensor> step(Member member, InferRequest request) throws InterruptedException {
    Step step = new Step(member, request, clock.nanoTime(), new CompletableFuture<>());
    lock.lock();
    try {
      if (stopped) {
        throw Refusals.released(model);
      }
      back(member);
      waiting.add(step);
      signalUnlessLingering();
    } finally {
      lock.unlock();
    }
    return Waiting.on(step.answer(), request.deadline());
  }

  /// Gives one sequence what is kept of another.
  void copy(Member from, Member to) throws InterruptedException {
    Copy copy = new Copy(from, to, new CompletableFuture<>());
    lock.lock();
    try {
      if (stopped) {
        throw Refusals.released(model);
      }
      copies.add(copy);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Waiting.on(copy.done());
  }

  private void run() {
    List<Step> batch = take();
    while (!batch.isEmpty()) {
      long start = clock.nanoTime();
      runAll(batch);
      finish(batch, clock.nanoTime() - start);
      batch = take();
    }
  }

  /// The next batch; nothing once the instance is stopped.
  private List<Step> take() {
    lock.lock();
    try {
      while (!stopped) {
        for (Copy copy = copies.poll(); copy != null; copy = copies.poll()) {
          memory.copy(copy.from(), copy.to());
          copy.to().started = copy.from().started;
          copy.done().complete(true);
        }
        waiting.removeIf(step -> step.request().deadline().expired());
        long linger = linger();
        if (!waiting.isEmpty() && linger <= 0) {
          return choose();
        }
        await(linger > 0 ? linger : Long.MAX_VALUE);
      }
      return List.of();
    } finally {
      lock.unlock();
    }
  }

  private void await(long nanos) {
    try {
      long _ = changed.awaitNanos(nanos);
    } catch (InterruptedException _) {
      // Only stop() interrupts: the condition of the loop ends it.
    }
  }

  private List<Step> choose() {
    Map<List<Shape>, List<Step>> byShape = new HashMap<>();
    for (Step step : waiting) {
      byShape.computeIfAbsent(shapes(step), _ -> new ArrayList<>()).add(step);
    }
    List<List<Step>> buckets = new ArrayList<>(byShape.values());
    buckets.sort(Comparator.comparingLong(bucket -> size(bucket.getFirst())));
    List<Step> chosen = buckets.getFirst();
    boolean others = smallestRanLast && buckets.size() > 1;
    if (others) {
      chosen =
          buckets.stream()
              .skip(1)
              .min(Comparator.comparingLong(bucket -> bucket.getFirst().queuedNanos()))
              .orElseThrow();
    }
    smallestRanLast = !others;
    int most = model.signature().maxBatchSize();
    List<Step> batch = new ArrayList<>(chosen.subList(0, Math.min(most, chosen.size())));
    batch.sort(Comparator.comparingInt(step -> step.member().place));
    waiting.removeAll(batch);
    long now = clock.nanoTime();
    for (Step step : batch) {
      step.member().running = true;
      step.request().timings().add(Stage.QUEUE, now - step.queuedNanos());
    }
    return batch;
  }

  private List<Shape> shapes(Step step) {
    List<Shape> shapes = new ArrayList<>();
    for (TensorSpec input : model.signature().inputs()) {
      shapes.add(requireNonNull(step.row().get(input.name())).shape());
    }
    return shapes;
  }

  private static long size(Step step) {
    return step.row().values().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
  }

  /// A batch that fails is run again step by step: the one at fault fails alone.
  private void runAll(List<Step> batch) {
    try {
      List<Map<String, Tensor>> answers = run(batch);
      for (int i = 0; i < batch.size(); i++) {
        batch.get(i).answer().complete(answers.get(i));
      }
    } catch (OrtException | RuntimeException | Error e) {
      if (batch.size() == 1) {
        batch.getFirst().answer().completeExceptionally(Refusals.failed(model, e));
      } else {
        batch.forEach(step -> runAll(List.of(step)));
      }
    }
  }

  private List<Map<String, Tensor>> run(List<Step> batch) throws OrtException {
    List<Member> members = batch.stream().map(Step::member).toList();
    Map<String, OnnxTensor> given = new HashMap<>();
    Map<String, OnnxTensor> kept = new HashMap<>();
    try (RunOptions options = new RunOptions()) {
      for (TensorSpec input : model.signature().inputs()) {
        given.put(input.name(), gather(batch, input));
      }
      memory.gather(members, given, kept);
      Set<String> outputs = new HashSet<>();
      batch.forEach(step -> outputs.addAll(step.request().outputs()));
      try (OrtSession.Result result = session.run(given, outputs, kept, options)) {
        List<Map<String, Tensor>> rows = new ArrayList<>();
        for (int row = 0; row < batch.size(); row++) {
          rows.add(new HashMap<>());
        }
        for (String name : outputs) {
          Tensor output = OutputReader.read(model, name, result, batch.size());
          for (int row = 0; row < batch.size(); row++) {
            if (batch.get(row).request().outputs().contains(name)) {
              rows.get(row).put(name, output.row(row));
            }
          }
        }
        memory.keep(members, this::isHere);
        members.forEach(member -> member.started = true);
        return rows;
      }
    } finally {
      given.values().forEach(OnnxTensor::close);
      kept.values().forEach(OnnxTensor::close);
    }
  }

  private boolean isHere(Member member) {
    lock.lock();
    try {
      return !member.gone;
    } finally {
      lock.unlock();
    }
  }

  private OnnxTensor gather(List<Step> batch, TensorSpec input) throws OrtException {
    Tensor first = requireNonNull(batch.getFirst().row().get(input.name()));
    long rowSize = first.data().byteSize();
    MemorySegment target = requireNonNull(inputs.get(input.name())).ofSize(rowSize * batch.size());
    for (int row = 0; row < batch.size(); row++) {
      Tensor tensor = requireNonNull(batch.get(row).row().get(input.name()));
      MemorySegment.copy(tensor.data(), 0, target, row * rowSize, rowSize);
    }
    return OnnxTensor.createTensor(
        environment,
        target.asByteBuffer(),
        first.shape().batched(batch.size()).toArray(),
        OnnxTypes.onnxType(input.type()));
  }

  private void finish(List<Step> batch, long nanos) {
    lock.lock();
    try {
      for (Step step : batch) {
        step.request().timings().add(Stage.BACKEND, nanos);
        Member member = step.member();
        member.running = false;
        if (member.gone) {
          free(member);
        } else if (waiting.stream().noneMatch(next -> next.member() == member)) {
          member.expected = true;
          expected++;
        }
      }
      lingerUntilNanos = clock.nanoTime() + Math.min(nanos / LINGER_PART, LONGEST_LINGER_NANOS);
    } finally {
      lock.unlock();
    }
  }

  /// Ends the thread after the run that it is at, and refuses what waits.
  void stop() {
    lock.lock();
    try {
      stopped = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Uninterruptibles.joinUninterruptibly(thread);
    lock.lock();
    try {
      waiting.forEach(step -> step.answer().completeExceptionally(Refusals.released(model)));
      copies.forEach(copy -> copy.done().completeExceptionally(Refusals.released(model)));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return thread.getName();
  }
}
