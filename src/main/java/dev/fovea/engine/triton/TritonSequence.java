package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.engine.Sequence;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.Interaction;
import dev.fovea.tensor.Tensor;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// A sequence on one server, whose sequence batcher keeps the state. Its id is random, for several
/// gateways may share a server; its requests share one connection, so that they arrive in order.
final class TritonSequence implements Sequence {
  /// How long the request that ends a sequence may take.
  private static final Duration END_TIMEOUT = Duration.ofSeconds(5);

  private final ModelRoute route;
  private final AtomicInteger open;
  private final long id = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
  private @Nullable TritonServer server;
  private @Nullable Connection connection;
  private @Nullable InferRequest last;
  private boolean broken;
  private boolean ended;

  private boolean closed;

  /// @param open how many sequences of the model are open; told when this one is and when it is not
  TritonSequence(ModelRoute route, AtomicInteger open) {
    if (route.model().signature().interaction() != Interaction.SEQUENCE) {
      throw new UnsupportedOperationException(route.model() + " has no sequences");
    }
    this.route = route;
    this.open = open;
    open.incrementAndGet();
  }

  @Override
  public Map<String, Tensor> step(InferRequest request) throws InterruptedException {
    return step(request, false);
  }

  @Override
  public Map<String, Tensor> lastStep(InferRequest request) throws InterruptedException {
    return step(request, true);
  }

  private Map<String, Tensor> step(InferRequest request, boolean end) throws InterruptedException {
    if (ended || request.rows().size() != 1) {
      throw new IllegalStateException(
          ended ? "the sequence has ended" : "rows: " + request.rows().size() + " (expected: 1)");
    }
    if (broken) {
      throw lost(Status.CANCELLED);
    }
    route.model().signature().requireRow(request.rows().getFirst());
    request.deadline().check("inference");
    broken = true;
    ModelInferResponse response = send(request, end);
    Map<String, Tensor> outputs = read(response, request.outputs());
    broken = false;
    ended = end;
    return outputs;
  }

  /// A first step that never began may begin on another server; later ones have only the one.
  private ModelInferResponse send(InferRequest request, boolean end) throws InterruptedException {
    Set<TritonServer> tried = new HashSet<>();
    while (true) {
      boolean start = last == null;
      Attempt attempt = attempt(request, tried, start, end);
      TritonServer to = attempt.server();
      try {
        switch (attempt.await(request)) {
          case Attempt.Result.Answered(ModelInferResponse response) -> {
            return response;
          }
          case Attempt.Result.Failed(Meaning meaning, Status status, _) -> {
            GatewayException refusal = route.failed(to, asAsked(meaning), status);
            if (!start) {
              throw meaning == Meaning.NOT_TAKEN ? lost(status) : refusal;
            }
            if (meaning.mayHaveStarted() || !tried.add(to) || !route.engine().retries().spend()) {
              throw refusal;
            }
            last = null;
          }
        }
      } finally {
        // In order behind it comes the end of the sequence: not subject to any budget.
        attempt.cancel();
      }
    }
  }

  private Attempt attempt(
      InferRequest request, Set<TritonServer> tried, boolean start, boolean end) {
    ModelInferRequest.Builder message =
        message(request.rows().getFirst(), request.outputs(), start, end);
    TritonServer to;
    Connection over;
    if (start) {
      // How long it may wait for a slot.
      RequestWriter.setTimeout(message, request.deadline());
      to = route.enter(tried);
      over = to.connection();
    } else {
      to = requireNonNull(server);
      over = requireNonNull(connection);
      route.enter(to);
    }
    server = to;
    connection = over;
    last = request;
    return Attempt.start(
        to, over, message.build(), request.deadline().remainingNanos(), route.bulkhead()::leave);
  }

  private ModelInferRequest.Builder message(
      Map<String, Tensor> row, Set<String> outputs, boolean start, boolean end) {
    return route
        .writer()
        .write(List.of(row), outputs)
        .putParameters("sequence_id", RequestWriter.parameter(id))
        .putParameters("sequence_start", RequestWriter.parameter(start))
        .putParameters("sequence_end", RequestWriter.parameter(end));
  }

  private static Meaning asAsked(Meaning meaning) {
    return meaning == Meaning.QUEUE_TIMEOUT ? Meaning.LATE : meaning;
  }

  private Map<String, Tensor> read(ModelInferResponse response, Set<String> outputs) {
    try {
      return route.reader().read(response, outputs, 1).getFirst();
    } catch (MalformedAnswerException e) {
      throw Refusals.failed(route.model(), e);
    }
  }

  private GatewayException lost(Status status) {
    return Refusals.unavailable(route.model(), "SEQUENCE_LOST", status.asRuntimeException());
  }

  /// Sends the end that was not sent yet: one more step, on zeros of the last one's shapes, whose
  /// answer nobody waits for. Past the bulkhead: there are no more of them than there are
  /// sequences.
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      open.decrementAndGet();
    }
    if (ended || last == null || server == null || connection == null) {
      return;
    }
    ended = true;
    Map<String, Tensor> zeros = new HashMap<>();
    last.rows()
        .getFirst()
        .forEach((name, tensor) -> zeros.put(name, Tensor.zeros(tensor.type(), tensor.shape())));
    Attempt.start(
        server,
        connection,
        message(zeros, last.outputs(), false, true).build(),
        END_TIMEOUT.toNanos(),
        () -> {});
  }
}
