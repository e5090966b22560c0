package dev.fovea.engine.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.RunOptions;
import dev.fovea.call.Clock;
import dev.fovea.engine.InferRequest;
import dev.fovea.failure.GatewayException;
import dev.fovea.telemetry.Stage;
import dev.fovea.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Rows of one call on their way through the queue and one execution.
///
/// Two threads meet here: the caller, who waits and may give up, and the instance, which runs. The
/// monitor guards who was first: a batch that is given up before it begins never begins, and one
/// that is under way is asked to stop.
final class Batch {
  private enum State {
    QUEUED,
    RUNNING,
    OVER
  }

  private final InferRequest request;
  private final int[] places;
  private final Clock clock;
  private final long queuedNanos;
  private final CompletableFuture<List<Map<String, Tensor>>> answers = new CompletableFuture<>();
  private State state = State.QUEUED;
  private @Nullable RunOptions run;
  private long startNanos;

  Batch(InferRequest request, int[] places, Clock clock) {
    this.request = request;
    this.places = places;
    this.clock = clock;
    this.queuedNanos = clock.nanoTime();
  }

  InferRequest request() {
    return request;
  }

  /// The places of this batch's rows in the call.
  int[] places() {
    return places;
  }

  int size() {
    return places.length;
  }

  Tensor input(int row, String name) {
    return requireNonNull(request.rows().get(places[row]).get(name));
  }

  /// Waits for the answers, at most until the deadline.
  List<Map<String, Tensor>> await() throws InterruptedException {
    return Waiting.on(answers, request.deadline());
  }

  /// Claims the batch for execution. False when nobody waits for it any more.
  synchronized boolean begin(RunOptions options) {
    if (state != State.QUEUED || request.deadline().expired()) {
      return false;
    }
    state = State.RUNNING;
    run = options;
    startNanos = clock.nanoTime();
    request.timings().add(Stage.QUEUE, startNanos - queuedNanos);
    return true;
  }

  /// Ends the execution: from here on nobody touches its options.
  synchronized void end() {
    if (state == State.RUNNING) {
      request.timings().add(Stage.BACKEND, clock.nanoTime() - startNanos);
    }
    state = State.OVER;
    run = null;
  }

  /// The caller gives up, or has its answer: what has not begun never will, what runs is asked to
  /// stop.
  synchronized void abandon() {
    if (state == State.RUNNING && run != null) {
      try {
        run.setTerminate(true);
      } catch (OrtException e) {
        throw new IllegalStateException("a run that is under way can be told to stop", e);
      }
    }
    if (state == State.QUEUED) {
      state = State.OVER;
    }
  }

  void complete(List<Map<String, Tensor>> rows) {
    answers.complete(rows);
  }

  void fail(GatewayException refusal) {
    answers.completeExceptionally(refusal);
  }
}
