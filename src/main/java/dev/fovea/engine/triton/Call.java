package dev.fovea.engine.triton;

import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.telemetry.Stage;
import dev.fovea.tensor.Tensor;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import io.grpc.Status;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The rows of one batch on their way: sent to one server, and to another one when the first never
/// began with them. No thread waits: what comes back takes the next step. Thread-safe.
final class Call {
  private static final int MAX_ATTEMPTS = 3;

  private final ModelRoute route;
  private final InferRequest request;
  private final int rows;
  private final ModelInferRequest.Builder message;
  private final CompletableFuture<List<Map<String, Tensor>>> answer = new CompletableFuture<>();

  /// Guarded by `this`, as is everything below: the last attempt's end and the caller's may meet.
  private final Set<TritonServer> tried = new HashSet<>();

  private int attempts;
  private @Nullable Attempt attempt;

  private Call(ModelRoute route, InferRequest request, List<Map<String, Tensor>> rows) {
    this.route = route;
    this.request = request;
    this.rows = rows.size();
    this.message = route.writer().write(rows, request.outputs());
  }

  /// Sends a batch.
  ///
  /// @param request the request that its rows are of
  static Call start(ModelRoute route, InferRequest request, List<Map<String, Tensor>> rows) {
    long begunNanos = route.engine().clock().nanoTime();
    Call call = new Call(route, request, rows);
    call.send(route.choose(call.tried));
    request.timings().add(Stage.QUEUE, route.engine().clock().nanoTime() - begunNanos);
    return call;
  }

  /// The outputs of the rows, or why there are none.
  CompletableFuture<List<Map<String, Tensor>>> answer() {
    return answer;
  }

  /// Nothing that others wait for happens under the lock: calls that end each other would never.
  private void send(TritonServer server) {
    Attempt sent = attempt(server);
    sent.whenOver(result -> take(sent, result));
  }

  private synchronized Attempt attempt(TritonServer server) {
    if (answer.isDone()) {
      throw new CancellationException();
    }
    Deadline deadline = request.deadline();
    deadline.check("inference");
    tried.add(server);
    attempts++;
    route.writer().limitQueueTime(message, server.state(route.model()), deadline);
    route.enter(server);
    attempt =
        Attempt.start(
            server,
            server.connection(),
            message.build(),
            deadline.remainingNanos(),
            route.bulkhead()::leave);
    return attempt;
  }

  private void take(Attempt sent, Attempt.Result result) {
    request.timings().add(Stage.BACKEND, sent.nanos());
    if (answer.isDone()) {
      return;
    }
    try {
      switch (result) {
        case Attempt.Result.Answered(ModelInferResponse response) -> {
          route.engine().retries().earn();
          answer.complete(read(response));
        }
        case Attempt.Result.Failed(Meaning meaning, Status status) -> {
          GatewayException refusal = route.failed(sent.server(), asAsked(meaning), status);
          send(another(meaning).orElseThrow(() -> refusal));
        }
      }
    } catch (RuntimeException | Error e) {
      answer.completeExceptionally(e);
    }
  }

  /// Time in the server's queue that is over because this side asked for no more is the call's own.
  private Meaning asAsked(Meaning meaning) {
    return meaning == Meaning.QUEUE_TIMEOUT && RequestWriter.limitsQueueTime(message)
        ? Meaning.LATE
        : meaning;
  }

  /// Where the batch is sent once more, if it may be: another server, or the same one over a new
  /// connection.
  private synchronized Optional<TritonServer> another(Meaning meaning) {
    if (meaning.mayHaveStarted() || attempts == MAX_ATTEMPTS) {
      return Optional.empty();
    }
    return route
        .engine()
        .pool()
        .choose(route.model(), tried)
        .filter(server -> !tried.contains(server) || meaning == Meaning.UNREACHABLE)
        .filter(_ -> route.engine().retries().spend());
  }

  private List<Map<String, Tensor>> read(ModelInferResponse response) {
    try {
      return route.reader().read(response, request.outputs(), rows);
    } catch (MalformedAnswerException e) {
      throw Refusals.failed(route.model(), e);
    }
  }

  /// The caller has its answer, or does not want it any more.
  void abandon() {
    answer.cancel(false);
    Attempt last = last();
    if (last == null || last.isOver()) {
      return;
    }
    if (request.deadline().expired()) {
      last.isLate();
    }
    route.engine().abandon(last);
  }

  private synchronized @Nullable Attempt last() {
    return attempt;
  }
}
