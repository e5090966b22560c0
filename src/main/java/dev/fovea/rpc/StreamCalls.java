package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicReference;

/// Serves calls of one request and many replies, as [UnaryCalls] serves those of one: the body
/// lives on a thread of its own, is interrupted when the caller goes away, and is answered for with
/// its last reply or the one status that a refusal has.
final class StreamCalls {
  private StreamCalls() {}

  /// Where replies go.
  ///
  /// @param <A> a reply
  interface Replies<A> {
    /// Whether a reply that is written now leaves without waiting.
    boolean isReady();

    /// Has something done whenever there is room again, on another thread.
    void whenReady(Runnable work);

    /// Writes one more reply. Of one thread at a time.
    void write(A reply);
  }

  /// What a call does.
  ///
  /// @param <A> a reply
  @FunctionalInterface
  interface Body<A> {
    /// @return the last reply
    A answer(CallContext call, Replies<A> replies) throws InterruptedException;
  }

  static <A> void serve(StreamObserver<A> observer, Body<A> body) {
    ServerCallStreamObserver<A> calls = (ServerCallStreamObserver<A>) observer;
    UnaryCalls.takeSilentlyWhenGone(calls);
    AtomicReference<Runnable> whenReady = new AtomicReference<>(() -> {});
    calls.setOnReadyHandler(() -> whenReady.get().run());
    Replies<A> replies =
        new Replies<>() {
          @Override
          public boolean isReady() {
            return calls.isReady();
          }

          @Override
          public void whenReady(Runnable work) {
            whenReady.set(work);
          }

          @Override
          public void write(A reply) {
            calls.onNext(reply);
          }
        };
    Thread.startVirtualThread(
        Context.current().wrap(() -> UnaryCalls.answer(calls, call -> body.answer(call, replies))));
  }
}
