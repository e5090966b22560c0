package dev.fovea.engine.onnx;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Waits for what another thread answers.
final class Waiting {
  private Waiting() {}

  /// At most until the deadline.
  static <T> T on(CompletableFuture<T> answer, Deadline deadline) throws InterruptedException {
    try {
      return answer.get(deadline.remainingNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException _) {
      throw Deadline.exceeded("the model's answer");
    } catch (ExecutionException e) {
      throw refusal(e);
    }
  }

  /// As long as it takes: for what is done between two runs.
  static <T> T on(CompletableFuture<T> answer) throws InterruptedException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      throw refusal(e);
    }
  }

  private static GatewayException refusal(ExecutionException e) {
    if (e.getCause() instanceof GatewayException refusal) {
      return refusal;
    }
    throw new IllegalStateException(e.getCause());
  }
}
