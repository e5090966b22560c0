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
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The rows of one batch on their way: sent to one server, and to another one when the first never
/// began with them. No thread waits: what comes back takes the next step. Thread-safe.
final class Call {
  private static final int MAX_ATTEMPTS = 3;

  private final ModelRoute route;
  private final InferRequest request;
  private final List<Map<String, Tensor>> rows;
  private final CompletableFuture<List<Map<String, Tensor>>> answer = new CompletableFuture<>();

  /// Guarded by `this`, as is everything below: the last attempt's end and the caller's may meet.
  private final Set<TritonServer> tried = new HashSet<>();

  private int attempts;
  private @Nullable Attempt attempt;
  private @Nullable SharedTensors shared;
  private boolean queueTimeIsLimited;

  private Call(ModelRoute route, InferRequest request, List<Map<String, Tensor>> rows) {
    this.route = route;
    this.request = request;
    this.rows = rows;
  }

  /// Sends a batch.
  ///
  /// @param request the request that its rows are of
  static Call start(ModelRoute route, InferRequest request, List<Map<String, Tensor>> rows) {
    long begunNanos = route.engine().clock().nanoTime();
    Call call = new Call(route, request, rows);
    call.send(true, route::noServer);
    request.timings().add(Stage.QUEUE, route.engine().clock().nanoTime() - begunNanos);
    return call;
  }

  /// The outputs of the rows, or why there are none.
  CompletableFuture<List<Map<String, Tensor>>> answer() {
    return answer;
  }

  /// Nothing that others wait for happens under the lock: calls that end each other would never.
  private void send(boolean again, Supplier<GatewayException> otherwise) {
    Attempt sent = attempt(again, otherwise);
    sent.whenOver(result -> take(sent, result));
  }

  /// @param again whether a server that failed the batch may have it once more
  /// @param otherwise what to throw where there is no server, or nothing left to retry with
  private synchronized Attempt attempt(boolean again, Supplier<GatewayException> otherwise) {
    if (answer.isDone()) {
      throw new CancellationException();
    }
    Deadline deadline = request.deadline();
    deadline.check("inference");
    TritonServer server = route.enter(tried, again).orElseThrow(otherwise);
    if (attempts > 0 && !route.engine().retries().spend()) {
      route.leave(server);
      throw otherwise.get();
    }
    tried.add(server);
    attempts++;
    shared = share(server);
    ModelInferRequest.Builder message = route.writer().write(rows, request.outputs(), shared);
    route.writer().limitQueueTime(message, server.state(route.model()), deadline);
    queueTimeIsLimited = RequestWriter.limitsQueueTime(message);
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
    SharedTensors memory = memory();
    try {
      switch (result) {
        case Attempt.Result.Answered(ModelInferResponse response) -> {
          List<Map<String, Tensor>> outputs = answer.isDone() ? List.of() : read(response, memory);
          release(memory, true);
          route.engine().retries().earn();
          answer.complete(outputs);
        }
        case Attempt.Result.Failed(Meaning meaning, Status status, boolean done) -> {
          release(memory, done);
          if (!answer.isDone()) {
            GatewayException refusal = route.failed(sent.server(), asAsked(meaning), status);
            if (meaning == Meaning.MEMORY_UNKNOWN && memory != null) {
              sent.server().memory().isUnknown(memory.slot());
            }
            if (!mayRunElsewhere(meaning)) {
              throw refusal;
            }
            send(mayRunThereAgain(meaning), () -> refusal);
          }
        }
      }
    } catch (RuntimeException | Error e) {
      // A slot that was given back stays so.
      release(memory, result instanceof Attempt.Result.Answered);
      answer.completeExceptionally(e);
    }
  }

  /// Memory for the tensors that the server reads and writes itself, where they are worth it.
  private @Nullable SharedTensors share(TritonServer server) {
    if (!server.memory().isShared()) {
      return null;
    }
    SharedTensors.Plan plan =
        SharedTensors.Plan.of(route.model().signature(), rows, request.outputs());
    return server
        .memory()
        .take(plan.bytes())
        .map(slot -> new SharedTensors(plan, slot))
        .orElse(null);
  }

  private synchronized @Nullable SharedTensors memory() {
    return shared;
  }

  private static void release(@Nullable SharedTensors memory, boolean done) {
    if (memory == null) {
      return;
    }
    if (done) {
      memory.slot().free();
    } else {
      memory.slot().lose();
    }
  }

  /// Time in the server's queue that is over because this side asked for no more is the call's own.
  private Meaning asAsked(Meaning meaning) {
    return meaning == Meaning.QUEUE_TIMEOUT && isQueueTimeLimited() ? Meaning.LATE : meaning;
  }

  private synchronized boolean isQueueTimeLimited() {
    return queueTimeIsLimited;
  }

  private synchronized boolean mayRunElsewhere(Meaning meaning) {
    return !meaning.mayHaveStarted() && attempts < MAX_ATTEMPTS;
  }

  /// Over a new connection, or without the memory that the server does not know.
  private static boolean mayRunThereAgain(Meaning meaning) {
    return meaning == Meaning.UNREACHABLE || meaning == Meaning.MEMORY_UNKNOWN;
  }

  private List<Map<String, Tensor>> read(
      ModelInferResponse response, @Nullable SharedTensors memory) {
    try {
      return route.reader().read(response, request.outputs(), rows.size(), memory);
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
