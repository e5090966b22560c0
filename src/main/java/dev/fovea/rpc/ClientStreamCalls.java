package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/// Serves calls of many requests and one reply, as [UnaryCalls] serves those of one: the body reads
/// the requests one after the other on a thread of its own, is interrupted when the caller goes
/// away, and is answered for with a reply or the one status that a refusal has.
final class ClientStreamCalls {
  private ClientStreamCalls() {}

  /// What a call does.
  ///
  /// @param <Q> a request
  /// @param <A> the reply
  @FunctionalInterface
  interface Body<Q, A> {
    A answer(CallContext call, RequestStream<Q> requests) throws InterruptedException;
  }

  /// @return what the requests are told to
  static <Q, A> StreamObserver<Q> serve(StreamObserver<A> observer, Body<Q, A> body) {
    ServerCallStreamObserver<A> replies = (ServerCallStreamObserver<A>) observer;
    UnaryCalls.takeSilentlyWhenGone(replies);
    replies.disableAutoRequest();
    RequestStream<Q> requests =
        new RequestStream<>(() -> replies.request(1), CallContexts.current().deadline());
    Thread.startVirtualThread(
        Context.current()
            .wrap(() -> UnaryCalls.answer(replies, call -> body.answer(call, requests))));
    return requests;
  }
}
