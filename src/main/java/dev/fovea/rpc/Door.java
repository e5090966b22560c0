package dev.fovea.rpc;

import dev.fovea.admission.Limiter;
import dev.fovea.admission.Permit;
import dev.fovea.call.CallContext;
import dev.fovea.failure.GatewayException;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/// Turns calls away by their headers while there is no room for them: on the thread that reads the
/// connection, before a thread is started for them and before their messages are parsed. A server
/// that is asked for ten times what it can do is busy with refusing, so that must cost next to
/// nothing.
///
/// It stands in three places: as tracer it has something to say about a call before anybody else
/// and hears of its end in any case, as [#letsIn] it is asked which threads serve the call, and as
/// interceptor it answers those that are turned away.
public final class Door extends ServerStreamTracer.Factory implements ServerInterceptor {
  private static final Context.Key<Visit> VISIT = Context.key("fovea-visit");
  private static final ServerStreamTracer UNGUARDED = new ServerStreamTracer() {};

  private final Limiter limiter;
  private final CallContexts contexts;
  private final Set<String> guarded;

  /// @param limiter lets calls in
  /// @param guarded full names of the methods that make models work with one message
  public Door(Limiter limiter, CallContexts contexts, Set<String> guarded) {
    this.limiter = limiter;
    this.contexts = contexts;
    this.guarded = Set.copyOf(guarded);
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    return guarded.contains(fullMethodName) ? new Visit() : UNGUARDED;
  }

  /// Whether a call is let in. To be asked once, on the thread that reads the connection; one that
  /// is not let in needs no other.
  public boolean letsIn(ServerCall<?, ?> call, Metadata headers) {
    CallContext context = contexts.context(call, headers);
    Visit visit = VISIT.get();
    return visit == null || visit.begin(limiter, context);
  }

  /// The same threads for the calls that are let in: who waits long for one is a reason to let in
  /// less.
  public Executor timed(Executor threads) {
    return limiter.timed(threads);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Visit visit = VISIT.get();
    StatusRuntimeException refusal = visit == null ? null : visit.refusal();
    if (refusal == null) {
      return next.startCall(call, headers);
    }
    Metadata trailers = refusal.getTrailers();
    call.close(refusal.getStatus(), trailers == null ? new Metadata() : trailers);
    return new ServerCall.Listener<>() {};
  }

  /// Leave for the call of this thread, now that it says what it brings.
  ///
  /// @param items how many that are
  /// @return to be closed when the call ends
  /// @throws GatewayException as [Limiter#acquire] does
  public static Permit admit(Limiter limiter, CallContext call, int items) {
    Visit visit = VISIT.get();
    Permit expected = visit == null ? null : visit.take();
    return expected == null ? limiter.acquire(call, items) : limiter.admit(expected, call, items);
  }

  /// What becomes of one call at the door.
  private static final class Visit extends ServerStreamTracer {
    private @Nullable Permit permit;
    private @Nullable StatusRuntimeException refusal;
    private boolean over;

    @Override
    public Context filterContext(Context context) {
      return context.withValue(VISIT, this);
    }

    synchronized boolean begin(Limiter limiter, CallContext call) {
      try {
        permit = limiter.expect(call);
      } catch (GatewayException reason) {
        refusal =
            StatusProto.toStatusRuntimeException(StatusMapper.status(reason, call.requestId()));
      }
      if (over) {
        leave();
      }
      return refusal == null;
    }

    synchronized @Nullable StatusRuntimeException refusal() {
      return refusal;
    }

    /// The permit, once: whoever takes it closes it.
    synchronized @Nullable Permit take() {
      Permit taken = permit;
      permit = null;
      return taken;
    }

    /// A call whose message never came leaves its room to others.
    @Override
    public synchronized void streamClosed(Status status) {
      over = true;
      leave();
    }

    private void leave() {
      Permit left = take();
      if (left != null) {
        left.close();
      }
    }
  }
}
