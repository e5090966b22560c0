package dev.fovea.rpc;

import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerStreamTracer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Gives every call of a service an end that the transport sees to, whatever its client states and
/// whether or not its messages ever come: a client that sends a byte now and then would otherwise
/// hold a stream for as long as it likes.
///
/// Calls end by themselves at their deadline, with a status that says what did not happen; the
/// transport cuts off what has not ended a little later.
public final class TimeLimits extends ServerStreamTracer.Factory {
  private static final Context.Key<Duration> LIMIT = Context.key("fovea-time-limit");
  private static final Metadata.Key<String> TIMEOUT =
      Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER);
  private static final Duration GRACE = Duration.ofSeconds(1);
  private static final ServerStreamTracer NOTHING = new ServerStreamTracer() {};

  private final Duration longest;

  /// How long calls may take that state no deadline, by the full name of the method.
  private final Map<String, Duration> unstated = new HashMap<>();

  /// @param services those whose calls end; calls of others may last for ever
  public TimeLimits(CallPolicy policy, List<? extends BindableService> services) {
    this.longest = policy.maxDeadline();
    for (BindableService service : services) {
      for (ServerMethodDefinition<?, ?> method : service.bindService().getMethods()) {
        MethodDescriptor<?, ?> descriptor = method.getMethodDescriptor();
        unstated.put(
            descriptor.getFullMethodName(),
            descriptor.getType() == MethodType.BIDI_STREAMING
                ? policy.maxDeadline()
                : policy.defaultDeadline());
      }
    }
  }

  /// The time that the call of this thread has, where its client states none or too much.
  static @Nullable Duration current() {
    return LIMIT.get();
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    Duration limit = limit(fullMethodName, headers.get(TIMEOUT));
    if (limit == null) {
      return NOTHING;
    }
    headers.discardAll(TIMEOUT);
    headers.put(TIMEOUT, limit.plus(GRACE).toMillis() + "m");
    return new ServerStreamTracer() {
      @Override
      public Context filterContext(Context context) {
        return context.withValue(LIMIT, limit);
      }
    };
  }

  private @Nullable Duration limit(String method, @Nullable String stated) {
    Duration otherwise = unstated.get(method);
    if (otherwise == null) {
      return null;
    }
    return stated == null ? otherwise : exceeds(stated) ? longest : null;
  }

  /// Whether a timeout, up to eight digits and a unit, is longer than calls may take. One that is
  /// no such thing is the transport's to refuse.
  private boolean exceeds(String timeout) {
    if (!timeout.matches("[0-9]{1,8}[HMSmun]")) {
      return false;
    }
    long count = Long.parseLong(timeout.substring(0, timeout.length() - 1));
    Duration time =
        switch (timeout.charAt(timeout.length() - 1)) {
          case 'H' -> Duration.ofHours(count);
          case 'M' -> Duration.ofMinutes(count);
          case 'S' -> Duration.ofSeconds(count);
          case 'm' -> Duration.ofMillis(count);
          case 'u' -> Duration.ofNanos(1_000 * count);
          default -> Duration.ofNanos(count);
        };
    return time.compareTo(longest) > 0;
  }
}
