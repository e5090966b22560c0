package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import dev.fovea.call.Caller;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// Gives each call its context: a name, who asks, how much it matters, and until when it must be
/// answered.
///
/// It stands in two places, and wants both: as tracer it sees a call arrive, before anything waits
/// for a thread, so that this wait is part of the caller's time; as interceptor it hands the
/// context on.
///
/// Request headers: `fovea-criticality` (`critical`, `default` or `sheddable`; anything else is
/// `default`) and, where the operator trusts it, `fovea-caller`.
public final class CallContexts extends ServerStreamTracer.Factory implements ServerInterceptor {
  private static final Context.Key<CallContext> KEY = Context.key("fovea-call");
  private static final Context.Key<Arrival> ARRIVAL = Context.key("fovea-arrival");

  private static final Metadata.Key<String> CALLER =
      Metadata.Key.of("fovea-caller", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> CRITICALITY =
      Metadata.Key.of("fovea-criticality", Metadata.ASCII_STRING_MARSHALLER);

  private static final int MAX_CALLER_LENGTH = 128;

  private final CallPolicy policy;

  public CallContexts(CallPolicy policy) {
    this.policy = policy;
  }

  /// The context of the call that is being served.
  static CallContext current() {
    CallContext call = KEY.get();
    if (call == null) {
      throw new IllegalStateException("no call is being served on this thread");
    }
    return call;
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    return new Arrival(policy.clock().nanoTime());
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    return Contexts.interceptCall(
        Context.current().withValue(KEY, context(call, headers)), call, headers, next);
  }

  /// The context of the call of this thread, the same one however often it is asked for.
  ///
  /// @param headers what the call carries
  CallContext context(ServerCall<?, ?> call, Metadata headers) {
    return ARRIVAL
        .get()
        .context(arrivalNanos ->
            new CallContext(
                newRequestId(),
                caller(call, headers),
                criticality(headers),
                deadline(arrivalNanos)));
  }

  private static String newRequestId() {
    return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  private Caller caller(ServerCall<?, ?> call, Metadata headers) {
    String stated = policy.trustCallerHeader() ? headers.get(CALLER) : null;
    if (stated != null && !stated.isBlank() && stated.length() <= MAX_CALLER_LENGTH) {
      return new Caller(stated);
    }
    SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return new Caller(
        peer instanceof InetSocketAddress address && address.getAddress() != null
            ? address.getAddress().getHostAddress()
            : "local");
  }

  private static Criticality criticality(Metadata headers) {
    String stated = headers.get(CRITICALITY);
    if (stated != null) {
      for (Criticality criticality : Criticality.values()) {
        if (criticality.name().toLowerCase(Locale.ROOT).equals(stated)) {
          return criticality;
        }
      }
    }
    return Criticality.DEFAULT;
  }

  /// The caller's own deadline, or what the policy allows.
  private Deadline deadline(long arrivalNanos) {
    Duration limit = TimeLimits.current();
    if (limit != null) {
      return new Deadline(policy.clock(), arrivalNanos + limit.toNanos());
    }
    io.grpc.Deadline stated = Context.current().getDeadline();
    return stated == null
        ? new Deadline(policy.clock(), arrivalNanos + policy.maxDeadline().toNanos())
        : Deadline.after(
            policy.clock(), Duration.ofNanos(stated.timeRemaining(TimeUnit.NANOSECONDS)));
  }

  /// A call from its headers on. Threads take turns with it.
  private static final class Arrival extends ServerStreamTracer {
    private final long atNanos;
    private @Nullable CallContext context;

    Arrival(long atNanos) {
      this.atNanos = atNanos;
    }

    @Override
    public Context filterContext(Context context) {
      return context.withValue(ARRIVAL, this);
    }

    CallContext context(LongFunction<CallContext> made) {
      if (context == null) {
        context = made.apply(atNanos);
      }
      return context;
    }
  }
}
