package dev.fovea.batch;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Place;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.Sequence;
import dev.fovea.failure.Fault;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A model whose calls share batches: callers put rows into the scheduler and wait, and one virtual
/// thread an instance takes batches out and runs them.
final class BatchingLease implements Lease {
  private final Lease lease;
  private final Clock clock;
  private final BatchScheduler scheduler;
  private final List<Thread> runners = new ArrayList<>();

  /// Guards the scheduler and what follows.
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Map<RunningBatch, Thread> running = new HashMap<>();
  private boolean closed;

  private BatchingLease(Lease lease, Clock clock, int maxRows) {
    this.lease = lease;
    this.clock = clock;
    this.scheduler = new BatchScheduler(lease.model(), lease.slots(), maxRows);
  }

  static BatchingLease start(Lease lease, Clock clock, int maxRows) {
    BatchingLease batching = new BatchingLease(lease, clock, maxRows);
    for (int slot = 0; slot < lease.slots(); slot++) {
      batching.runners.add(
          Thread.ofVirtual()
              .name(lease.model().name() + "-batches-" + slot)
              .start(batching::runBatches));
    }
    return batching;
  }

  @Override
  public ServableModel model() {
    return lease.model();
  }

  @Override
  public Tensor allocate(DataType type, Shape shape) {
    return lease.allocate(type, shape);
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    request.rows().forEach(model().signature()::requireRow);
    request.deadline().check("inference");
    BatchedCall call = new BatchedCall(request, model().batchPolicy(), clock.nanoTime());
    submit(call);
    try {
      return call.await();
    } finally {
      leave(call);
    }
  }

  @Override
  public Place reserve(int rows, Deadline deadline, Criticality criticality) {
    int priority = BatchedCall.priority(criticality, model().batchPolicy());
    long now = clock.nanoTime();
    Reservation reservation =
        new Reservation(rows, priority, now, WaitingRow.dueNanos(deadline, now), this::giveBack);
    lock.lock();
    try {
      if (closed) {
        throw Refusals.released(model());
      }
      scheduler.reserve(reservation.standIns(), now);
      return reservation;
    } finally {
      lock.unlock();
    }
  }

  private void giveBack(Reservation reservation) {
    lock.lock();
    try {
      if (reservation.end()) {
        scheduler.giveUp(reservation.standIns());
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean redeem(Reservation reservation, BatchedCall call) {
    boolean valid = reservation.end();
    if (valid) {
      scheduler.redeem(reservation.standIns(), call.rows());
    }
    return valid;
  }

  private void submit(BatchedCall call) {
    lock.lock();
    try {
      if (closed) {
        throw Refusals.released(model());
      }
      boolean promised =
          call.request().place() instanceof Reservation reservation
              && reservation.standIns().size() >= call.rows().size()
              && redeem(reservation, call);
      if (!promised) {
        scheduler.admit(call.rows(), clock.nanoTime());
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Takes out the rows of a call that still wait, and stops batches that nobody waits for.
  private void leave(BatchedCall call) {
    lock.lock();
    try {
      call.leave();
      for (WaitingRow row : call.rows()) {
        scheduler.leave(row);
        stopIfUnwanted(row.batch());
      }
    } finally {
      lock.unlock();
    }
  }

  private void stopIfUnwanted(@Nullable RunningBatch batch) {
    if (batch != null && running.get(batch) instanceof Thread runner) {
      if (batch.rows().stream().allMatch(row -> call(row).left())) {
        runner.interrupt();
      }
    }
  }

  private static BatchedCall call(WaitingRow row) {
    return (BatchedCall) row.owner();
  }

  private void runBatches() {
    RunningBatch batch = take();
    while (batch != null) {
      boolean ranOnce = new BatchRun(lease, clock, batch).run();
      batch = exchange(batch, ranOnce);
    }
  }

  /// The next batch; nothing once the lease is closed.
  private @Nullable RunningBatch take() {
    lock.lock();
    try {
      return takeLocked();
    } finally {
      lock.unlock();
    }
  }

  /// Gives a batch back and takes the next.
  private @Nullable RunningBatch exchange(RunningBatch done, boolean ranOnce) {
    lock.lock();
    try {
      running.remove(done);
      // An interrupt that came too late for the batch it was meant for.
      boolean _ = Thread.interrupted();
      scheduler.finished(done, clock.nanoTime(), ranOnce);
      return takeLocked();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable RunningBatch takeLocked() {
    while (!closed) {
      switch (scheduler.next(clock.nanoTime())) {
        case BatchScheduler.Step.Run(RunningBatch batch) -> {
          running.put(batch, Thread.currentThread());
          return batch;
        }
        case BatchScheduler.Step.Wait(long nanos) -> awaitChange(nanos);
      }
    }
    return null;
  }

  private void awaitChange(long nanos) {
    try {
      long _ = changed.awaitNanos(nanos);
    } catch (InterruptedException _) {
      // Nothing here is ours to stop: the condition of the loop ends it.
    }
  }

  /// Sequences are batched by the engine, if at all: their rows belong together.
  @Override
  public Sequence openSequence() {
    return lease.openSequence();
  }

  @Override
  public AnswerStream openStream(InferRequest request) {
    return lease.openStream(request);
  }

  @Override
  public List<Fault> faults() {
    return lease.faults();
  }

  @Override
  public int waiting() {
    lock.lock();
    try {
      return scheduler.waiting();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean ready() {
    lock.lock();
    try {
      return !closed && lease.ready();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int slots() {
    return lease.slots();
  }

  /// Refuses what waits, lets what runs finish, then closes the lease underneath.
  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      scheduler.drain().forEach(row -> row.refuse(Refusals.released(model())));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    for (Thread runner : runners) {
      Uninterruptibles.joinUninterruptibly(runner);
    }
    lease.close();
  }

  @Override
  public String toString() {
    return "batches of " + lease;
  }
}
