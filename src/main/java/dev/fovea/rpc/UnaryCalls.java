package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import io.grpc.Context;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Serves calls of one request and one reply: runs the body on the thread of the call, interrupts
/// it when the caller goes away, and answers with the reply or with the one status that a refusal
/// has.
public final class UnaryCalls {
  private static final Logger LOG = System.getLogger(UnaryCalls.class.getName());

  private UnaryCalls() {}

  /// What a call does.
  ///
  /// @param <A> the reply
  @FunctionalInterface
  public interface Body<A> {
    A answer(CallContext call) throws InterruptedException;
  }

  public static <A> void serve(StreamObserver<A> observer, Body<A> body) {
    takeSilentlyWhenGone((ServerCallStreamObserver<A>) observer);
    answer(observer, body);
  }

  /// With a handler of its own, a call that the client has left takes the answer silently. To be
  /// called before the thread that the call arrived on returns.
  static void takeSilentlyWhenGone(ServerCallStreamObserver<?> observer) {
    observer.setOnCancelHandler(() -> {});
  }

  /// Runs the body on this thread, which has the call's context, and answers.
  static <A> void answer(StreamObserver<A> observer, Body<A> body) {
    CallContext call = CallContexts.current();
    try {
      A reply = whileWanted(call, body);
      observer.onNext(reply);
      observer.onCompleted();
    } catch (GatewayException refusal) {
      refuse(observer, call, refusal);
    }
  }

  private static void refuse(
      StreamObserver<?> observer, CallContext call, GatewayException refusal) {
    log(call, refusal);
    observer.onError(
        StatusProto.toStatusRuntimeException(StatusMapper.status(refusal, call.requestId())));
  }

  /// Serves a call whose answer another thread brings: no thread waits for it. The future is
  /// cancelled when the caller goes away.
  ///
  /// @param body must not block: it may run on a thread that reads a connection
  public static <A> void serveLater(
      StreamObserver<A> observer, Function<CallContext, CompletableFuture<A>> body) {
    CallContext call = CallContexts.current();
    CompletableFuture<A> answer = begin(call, body);
    ((ServerCallStreamObserver<A>) observer).setOnCancelHandler(() -> answer.cancel(false));
    var _ =
        answer.whenComplete((reply, failure) -> {
          if (failure == null) {
            observer.onNext(reply);
            observer.onCompleted();
          } else {
            refuse(observer, call, refusal(failure));
          }
        });
  }

  private static <A> CompletableFuture<A> begin(
      CallContext call, Function<CallContext, CompletableFuture<A>> body) {
    try {
      call.deadline().check("the call");
      return body.apply(call);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static GatewayException refusal(Throwable failure) {
    return switch (failure) {
      case GatewayException refusal -> refusal;
      case CompletionException wrapped when wrapped.getCause() != null ->
          refusal(wrapped.getCause());
      case CancellationException _ -> gone();
      default -> StatusMapper.unexpected(failure);
    };
  }

  private static GatewayException gone() {
    return new GatewayException(Reason.CANCELLED, "the caller has gone");
  }

  /// Runs a body for the call of this thread; it is interrupted when the caller goes away.
  ///
  /// @throws GatewayException whatever went wrong
  public static <A> A whileWanted(Body<A> body) {
    CallContext call = CallContexts.current();
    try {
      return whileWanted(call, body);
    } catch (GatewayException refusal) {
      log(call, refusal);
      throw refusal;
    }
  }

  private static <A> A whileWanted(CallContext call, Body<A> body) {
    Context context = Context.current();
    Interrupter interrupter = new Interrupter(Thread.currentThread());
    context.addListener(interrupter, Runnable::run);
    try {
      call.deadline().check("the call");
      return body.answer(call);
    } catch (InterruptedException _) {
      throw call.deadline().expired() ? Deadline.exceeded("the answer") : gone();
    } catch (GatewayException refusal) {
      throw refusal;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw StatusMapper.unexpected(e);
    } finally {
      context.removeListener(interrupter);
      interrupter.standDown();
    }
  }

  private static void log(CallContext call, GatewayException refusal) {
    if (!refusal.reason().kind().expected()) {
      LOG.log(Level.ERROR, "call " + call.requestId() + ": " + refusal.reason(), refusal);
    } else if (LOG.isLoggable(Level.DEBUG)) {
      LOG.log(
          Level.DEBUG,
          "call " + call.requestId() + ": " + refusal.reason() + ": " + refusal.getMessage());
    }
  }

  /// Interrupts the thread of a call when its context is cancelled, and never after the call has
  /// ended: the thread may have other things to do by then.
  private static final class Interrupter implements Context.CancellationListener {
    private @Nullable Thread thread;

    Interrupter(Thread thread) {
      this.thread = thread;
    }

    @Override
    public synchronized void cancelled(Context context) {
      if (thread != null) {
        thread.interrupt();
      }
    }

    synchronized void standDown() {
      thread = null;
      // An interrupt that came too late for the body must not meet what follows it.
      boolean _ = Thread.interrupted();
    }
  }
}
