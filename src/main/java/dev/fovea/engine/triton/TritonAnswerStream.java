package dev.fovea.engine.triton;

import com.google.common.util.concurrent.MoreExecutors;
import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.Interaction;
import dev.fovea.telemetry.Stage;
import dev.fovea.tensor.Tensor;
import inference.GRPCInferenceServiceGrpc;
import inference.InferParameter;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import inference.ModelStreamInferResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// One request to a decoupled model on a stream of its own, so that cancelling the stream cancels
/// it and nothing else. Answers are asked for one at a time: what nobody reads stays at the server.
///
/// Failures are taken as they come inside messages. Triton can be asked to end the stream with a
/// status instead (`triton_grpc_error`); version 2.51 then crashes when the model, after its error,
/// still says that it is done, as every well-behaved one does.
final class TritonAnswerStream implements AnswerStream {
  private static final MethodDescriptor<ModelInferRequest, ModelStreamInferResponse> STREAM =
      GRPCInferenceServiceGrpc.getModelStreamInferMethod().toBuilder()
          .setResponseMarshaller(
              new AliasingMarshaller<>(ModelStreamInferResponse.getDefaultInstance()))
          .build();

  private final ModelRoute route;
  private final InferRequest request;
  private final TritonServer server;
  private final ClientCall<ModelInferRequest, ModelStreamInferResponse> call;

  /// At most one message and the end: one message is asked for at a time.
  private final BlockingQueue<Arrival> arrivals = new LinkedBlockingQueue<>();

  private volatile boolean failed;
  private boolean over;

  private sealed interface Arrival {
    record Message(ModelStreamInferResponse message) implements Arrival {}

    record End(Status status) implements Arrival {}
  }

  private TritonAnswerStream(
      ModelRoute route,
      InferRequest request,
      TritonServer server,
      ClientCall<ModelInferRequest, ModelStreamInferResponse> call) {
    this.route = route;
    this.request = request;
    this.server = server;
    this.call = call;
  }

  static TritonAnswerStream open(ModelRoute route, InferRequest request) {
    if (route.model().signature().interaction() != Interaction.DECOUPLED
        || request.rows().size() != 1) {
      throw new UnsupportedOperationException(
          route.model()
              + ": %d rows (expected: 1, of a decoupled model)".formatted(request.rows().size()));
    }
    route.model().signature().requireRow(request.rows().getFirst());
    request.deadline().check("inference");
    ModelInferRequest message =
        route
            .writer()
            .write(request.rows(), request.outputs())
            .setId("1")
            .putParameters("triton_enable_empty_final_response", RequestWriter.parameter(true))
            .build();
    TritonServer server = route.enter(Set.of());
    Connection connection = server.connection();
    connection.calls().incrementAndGet();
    TritonAnswerStream stream =
        new TritonAnswerStream(
            route,
            request,
            server,
            connection
                .channel()
                .newCall(
                    STREAM,
                    CallOptions.DEFAULT
                        .withDeadlineAfter(
                            request.deadline().remainingNanos(), TimeUnit.NANOSECONDS)
                        .withExecutor(MoreExecutors.directExecutor())));
    stream.start(connection, message);
    return stream;
  }

  private void start(Connection connection, ModelInferRequest message) {
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(ModelStreamInferResponse response) {
            if (!failed) {
              arrivals.add(new Arrival.Message(response));
            }
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            connection.calls().decrementAndGet();
            route.bulkhead().leave();
            tellBreaker(status);
            arrivals.add(new Arrival.End(status));
          }
        },
        new Metadata());
    call.request(1);
    call.sendMessage(message);
    call.halfClose();
  }

  private void tellBreaker(Status status) {
    if (status.isOk()) {
      server.breaker().succeeded();
    } else if (Meaning.of(status, true).isAgainstServer()) {
      server.breaker().failed();
    } else {
      server.breaker().ended();
    }
  }

  @Override
  public Optional<Map<String, Tensor>> next() throws InterruptedException {
    if (over) {
      return Optional.empty();
    }
    over = true;
    long startNanos = route.engine().clock().nanoTime();
    Arrival arrival = arrivals.poll(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS);
    request.timings().add(Stage.BACKEND, route.engine().clock().nanoTime() - startNanos);
    if (arrival == null) {
      throw Deadline.exceeded("the model's answer");
    }
    return switch (arrival) {
      case Arrival.Message(ModelStreamInferResponse message) -> read(message);
      case Arrival.End(Status status) -> throw ended(status);
    };
  }

  private Optional<Map<String, Tensor>> read(ModelStreamInferResponse message) {
    if (!message.getErrorMessage().isEmpty()) {
      failed = true;
      call.request(Integer.MAX_VALUE);
      throw route.failed(
          server,
          Meaning.ofText(message.getErrorMessage()),
          Status.UNKNOWN.withDescription(message.getErrorMessage()));
    }
    ModelInferResponse response = message.getInferResponse();
    InferParameter end =
        response.getParametersOrDefault(
            "triton_final_response", InferParameter.getDefaultInstance());
    if (response.getOutputsCount() == 0 && end.getBoolParam()) {
      return Optional.empty();
    }
    try {
      Map<String, Tensor> outputs = route.reader().read(response, request.outputs(), 1).getFirst();
      over = end.getBoolParam();
      call.request(1);
      return Optional.of(outputs);
    } catch (MalformedAnswerException e) {
      throw Refusals.failed(route.model(), e);
    }
  }

  /// The stream ended before the last answer.
  private GatewayException ended(Status status) {
    if (status.isOk()) {
      return Refusals.failed(
          route.model(), new MalformedAnswerException("the stream ended before its last answer"));
    }
    return route.failed(server, Meaning.of(status, true), status);
  }

  /// A stream that failed ends by itself; a server that is told to stop in that moment does not
  /// always take it well.
  @Override
  public void close() {
    over = true;
    if (failed) {
      return;
    }
    call.cancel("nobody reads the answers any more", null);
  }
}
