package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/// Serves calls of many requests and many replies, as [ClientStreamCalls] serves those of one
/// reply: the body lives on a thread of its own, is interrupted when the caller goes away, and is
/// answered for with its last reply or the one status that a refusal has.
final class BidiCalls {
  private BidiCalls() {}

  /// What a call does.
  ///
  /// @param <Q> a request
  /// @param <A> a reply
  /// @param <N> what other threads tell the call's own
  @FunctionalInterface
  interface Body<Q, A, N> {
    /// @return the last reply
    A answer(CallContext call, BidiStream<Q, A, N> stream) throws InterruptedException;
  }

  /// @return what the requests are told to
  static <Q, A, N> StreamObserver<Q> serve(StreamObserver<A> observer, Body<Q, A, N> body) {
    ServerCallStreamObserver<A> replies = (ServerCallStreamObserver<A>) observer;
    UnaryCalls.takeSilentlyWhenGone(replies);
    replies.disableAutoRequest();
    BidiStream<Q, A, N> stream = new BidiStream<>(replies);
    replies.setOnReadyHandler(stream::roomCame);
    Thread.startVirtualThread(
        Context.current()
            .wrap(() -> UnaryCalls.answer(replies, call -> body.answer(call, stream))));
    return stream;
  }
}
