package dev.fovea.rpc;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/// The requests of a call that sends many, for one thread that takes them in order. A request is
/// asked for when it is wanted and not before, so a client that sends faster than its requests are
/// worked on is held up by flow control, and no more than one of them waits here.
///
/// @param <Q> a request
final class RequestStream<Q> implements StreamObserver<Q> {
  private final Runnable askForOne;
  private final Deadline deadline;

  /// One request, for no more was asked for, and the end.
  private final BlockingQueue<Optional<Q>> arrived = new ArrayBlockingQueue<>(2);

  private boolean ended;

  RequestStream(Runnable askForOne, Deadline deadline) {
    this.askForOne = askForOne;
    this.deadline = deadline;
  }

  /// The next request, once it is there; empty when there are no more.
  ///
  /// @throws GatewayException with `DEADLINE_EXCEEDED` when it does not come in time
  Optional<Q> next() throws InterruptedException {
    if (ended) {
      return Optional.empty();
    }
    askForOne.run();
    Optional<Q> next = arrived.poll(deadline.remainingNanos(), TimeUnit.NANOSECONDS);
    if (next == null) {
      throw Deadline.exceeded("the next message");
    }
    ended = next.isEmpty();
    return next;
  }

  @Override
  public void onNext(Q request) {
    arrived.add(Optional.of(request));
  }

  @Override
  public void onCompleted() {
    arrived.add(Optional.empty());
  }

  /// The caller has gone: the thread that takes the requests is interrupted by the call's context.
  @Override
  public void onError(Throwable gone) {}
}
