package dev.fovea.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// A call in both directions, for the one thread that lives on what happens to it: it takes one
/// event after the other, so what it knows needs no lock.
///
/// Nothing piles up here. A request is asked for when there is room for it, and until then flow
/// control holds up the client; a reply is written when the transport has room for it, and until
/// then its writer keeps it and counts it.
///
/// @param <Q> a request
/// @param <A> a reply
/// @param <N> what other threads tell the call's own
final class BidiStream<Q, A, N> implements StreamObserver<Q> {
  private final ServerCallStreamObserver<A> replies;

  /// One request, the end, that room came, and what other threads tell: as much as the call's own
  /// thread has let begin.
  private final BlockingQueue<Event<Q, N>> events = new LinkedBlockingQueue<>();

  private final AtomicBoolean roomIsTold = new AtomicBoolean();

  /// Whether a request was asked for that has not been taken. Of the call's own thread.
  private boolean asked;

  BidiStream(ServerCallStreamObserver<A> replies) {
    this.replies = replies;
  }

  /// Something that happened.
  ///
  /// @param <Q> a request
  /// @param <N> what other threads tell
  sealed interface Event<Q, N> {
    /// A request came.
    record Received<Q, N>(Q request) implements Event<Q, N> {}

    /// No more requests come.
    record Closed<Q, N>() implements Event<Q, N> {}

    /// There may be room for a reply.
    record Room<Q, N>() implements Event<Q, N> {}

    /// Another thread says something.
    record Told<Q, N>(N news) implements Event<Q, N> {}
  }

  /// Asks for one more request, unless one is on its way.
  void ask() {
    if (!asked) {
      asked = true;
      replies.request(1);
    }
  }

  /// The next event; empty when none comes in that time.
  Optional<Event<Q, N>> next(long nanos) throws InterruptedException {
    Event<Q, N> next = events.poll(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    if (next == null) {
      return Optional.empty();
    }
    if (next instanceof Event.Received<Q, N>) {
      asked = false;
    }
    if (next instanceof Event.Room<Q, N>) {
      roomIsTold.set(false);
    }
    return Optional.of(next);
  }

  /// Whether a reply that is written now leaves without waiting. Where not, an event tells when.
  boolean hasRoom() {
    return replies.isReady();
  }

  void write(A reply) {
    replies.onNext(reply);
  }

  /// Says something to the call's own thread; from any other.
  void tell(N news) {
    events.add(new Event.Told<>(news));
  }

  void roomCame() {
    if (!roomIsTold.getAndSet(true)) {
      events.add(new Event.Room<>());
    }
  }

  @Override
  public void onNext(Q request) {
    events.add(new Event.Received<>(request));
  }

  @Override
  public void onCompleted() {
    events.add(new Event.Closed<>());
  }

  /// The caller has gone: the call's own thread is interrupted by its context.
  @Override
  public void onError(Throwable gone) {}
}
