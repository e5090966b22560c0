package dev.fovea.engine;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.ServableModel;
import java.time.Duration;

/// The words in which engines refuse: the same for all of them.
public final class Refusals {
  private static final Duration RETRY_AFTER = Duration.ofMillis(100);

  private Refusals() {}

  /// What would hold a batch until its turn is full.
  public static GatewayException queueFull(ServableModel model, int limit) {
    return new GatewayException(Reason.QUEUE_FULL, "too many batches wait for " + model.name())
        .with("queue", model.name())
        .with("limit", limit)
        .retryAfter(RETRY_AFTER);
  }

  /// The rows would be answered too late, or would make others late that wait already.
  ///
  /// @param waiting rows that wait
  public static GatewayException unreachable(ServableModel model, int waiting) {
    return new GatewayException(
            Reason.DEADLINE_UNREACHABLE, model.name() + " cannot answer before the deadline")
        .with("queue", model.name())
        .with("waiting", waiting)
        .retryAfter(RETRY_AFTER);
  }

  /// A row waited longer than its queue allows.
  ///
  /// @param limit the longest wait
  public static GatewayException waitedTooLong(ServableModel model, Duration limit) {
    return new GatewayException(
            Reason.QUEUE_FULL, "rows for " + model.name() + " waited longer than they may")
        .with("queue", model.name())
        .with("maxWaitMicros", limit.toNanos() / 1000)
        .retryAfter(RETRY_AFTER);
  }

  /// The lease is closed, or being closed.
  public static GatewayException released(ServableModel model) {
    return new GatewayException(Reason.BACKEND_UNAVAILABLE, model.name() + " is being released")
        .with("model", model.name())
        .retryAfter(RETRY_AFTER);
  }

  /// What runs the model cannot be reached, or does not run it now.
  ///
  /// @param condition which of the engine's own conditions it is, for programs to tell apart
  /// @param cause for the log alone
  public static GatewayException unavailable(
      ServableModel model, String condition, Throwable cause) {
    return new GatewayException(
            Reason.BACKEND_UNAVAILABLE, model.name() + " cannot answer now", cause)
        .with("model", model.name())
        .with("condition", condition)
        .retryAfter(RETRY_AFTER);
  }

  /// An execution broke, or gave what the signature does not allow.
  ///
  /// @param cause for the log alone
  public static GatewayException failed(ServableModel model, Throwable cause) {
    return new GatewayException(Reason.BACKEND_ERROR, model.name() + " failed", cause)
        .with("model", model.name());
  }
}
