package dev.fovea.app;

import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Counts the calls under way by what was served when they began, so that what is served no more is
/// released when the last call that may still use it has ended.
///
/// Thread-safe.
final class Generations extends ServerStreamTracer.Factory {
  /// The calls that began between two changes, and what the second of them put out of service.
  private static final class Generation {
    private long calls;
    private Runnable release = () -> {};
  }

  /// The oldest first; calls begin in the last one. Guarded by `this`, as is all in it.
  private final Deque<Generation> living = new ArrayDeque<>(List.of(new Generation()));

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    Generation generation = begin();
    return new ServerStreamTracer() {
      @Override
      public void streamClosed(Status status) {
        end(generation).forEach(Thread::startVirtualThread);
      }
    };
  }

  private synchronized Generation begin() {
    Generation generation = living.getLast();
    generation.calls++;
    return generation;
  }

  private synchronized List<Runnable> end(Generation generation) {
    generation.calls--;
    return takeEnded();
  }

  /// Ends a generation: calls that begin from now on do not use what is released.
  ///
  /// @param release run once, on a thread of its own, when every call that has begun has ended
  void retire(Runnable release) {
    List<Runnable> ended;
    synchronized (this) {
      living.getLast().release = release;
      living.add(new Generation());
      ended = takeEnded();
    }
    ended.forEach(Thread::startVirtualThread);
  }

  private List<Runnable> takeEnded() {
    List<Runnable> ended = new ArrayList<>();
    while (living.size() > 1 && living.getFirst().calls == 0) {
      ended.add(living.removeFirst().release);
    }
    return ended;
  }

  /// Generations that wait for their last calls; for gauges.
  synchronized int waiting() {
    return living.size() - 1;
  }
}
