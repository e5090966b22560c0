package dev.fovea.engine.triton;

import com.google.common.util.concurrent.MoreExecutors;
import dev.fovea.call.Deadline;
import dev.fovea.engine.InferRequest;
import dev.fovea.telemetry.Stage;
import inference.GRPCInferenceServiceGrpc;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientStreamTracer;
import io.grpc.ClientStreamTracer.StreamInfo;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One request sent to one server: sent at once, awaited later.
final class Attempt {
  private static final MethodDescriptor<ModelInferRequest, ModelInferResponse> INFER =
      GRPCInferenceServiceGrpc.getModelInferMethod().toBuilder()
          .setResponseMarshaller(new AliasingMarshaller<>(ModelInferResponse.getDefaultInstance()))
          .build();

  /// A call that waits this long for nothing speaks against the server; a shorter one does not.
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /// What came back.
  sealed interface Result {
    /// @param response not yet looked into
    record Answered(ModelInferResponse response) implements Result {}

    /// @param meaning what the status says
    /// @param status for the log
    /// @param done whether the server has certainly nothing more to do with the request
    record Failed(Meaning meaning, Status status, boolean done) implements Result {}
  }

  private final TritonServer server;
  private final ClientCall<ModelInferRequest, ModelInferResponse> call;
  private final CompletableFuture<Result> result = new CompletableFuture<>();
  private final boolean patient;
  private final long sentNanos;
  private volatile boolean onTheWire;
  private volatile boolean answered;
  private volatile boolean cancelled;

  private Attempt(TritonServer server, Connection connection, long timeoutNanos) {
    this.server = server;
    this.patient = timeoutNanos >= PATIENCE_NANOS;
    this.sentNanos = server.clock().nanoTime();
    CallOptions options =
        CallOptions.DEFAULT
            .withDeadlineAfter(timeoutNanos, TimeUnit.NANOSECONDS)
            .withExecutor(MoreExecutors.directExecutor())
            .withStreamTracerFactory(new Departure());
    this.call = connection.channel().newCall(INFER, options);
  }

  /// Sends the request. What it refers to must stay as it is until the attempt is over.
  ///
  /// The attempt has its own time and its own end: it leaves the context of the call that this
  /// thread serves, whose cancellation would keep the end of a sequence from being sent.
  ///
  /// @param timeoutNanos how long it may take
  /// @param over run once, when the call has ended however it did
  static Attempt start(
      TritonServer server,
      Connection connection,
      ModelInferRequest request,
      long timeoutNanos,
      Runnable over) {
    Context serving = Context.ROOT.attach();
    try {
      Attempt attempt = new Attempt(server, connection, timeoutNanos);
      attempt.send(connection, request, over);
      return attempt;
    } finally {
      Context.ROOT.detach(serving);
    }
  }

  private void send(Connection connection, ModelInferRequest request, Runnable over) {
    connection.calls().incrementAndGet();
    call.start(
        new Listener(() -> {
          connection.calls().decrementAndGet();
          over.run();
        }),
        new Metadata());
    call.sendMessage(request);
    call.halfClose();
    call.request(2);
  }

  TritonServer server() {
    return server;
  }

  boolean isOver() {
    return result.isDone();
  }

  /// Tells what comes back as soon as it is there, on the thread that has it: at the latest a
  /// moment after the time that it may take.
  void whenOver(Consumer<Result> listener) {
    var _ = result.thenAccept(listener);
  }

  /// Whether the server itself has ended the call, so that it has nothing more to do with what the
  /// request refers to. Where the call ended on this side, the server may still be at work.
  private static boolean isDone(Status status, boolean answered) {
    return answered
        && status.getCode() != Status.Code.CANCELLED
        && status.getCode() != Status.Code.DEADLINE_EXCEEDED;
  }

  /// Time since it was sent.
  long nanos() {
    return server.clock().nanoTime() - sentNanos;
  }

  /// The deadline has passed and nothing is there yet.
  void isLate() {
    if (patient) {
      server.breaker().failed();
    }
  }

  /// Waits for what comes back, at most until the deadline of the request, whose timings are told.
  Result await(InferRequest request) throws InterruptedException {
    try {
      return result.get(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException _) {
      isLate();
      throw Deadline.exceeded("the model's answer");
    } catch (ExecutionException e) {
      throw new IllegalStateException("a result is never exceptional", e);
    } finally {
      request.timings().add(Stage.BACKEND, nanos());
    }
  }

  /// Nobody waits for the answer any more: the server is told to stop.
  void cancel() {
    cancelled = true;
    call.cancel("nobody waits for the answer any more", null);
  }

  /// Told when the request leaves.
  private final class Departure extends ClientStreamTracer.Factory {
    @Override
    public ClientStreamTracer newClientStreamTracer(StreamInfo info, Metadata headers) {
      return new ClientStreamTracer() {
        @Override
        public void outboundHeaders() {
          onTheWire = true;
        }

        @Override
        public void inboundTrailers(Metadata trailers) {
          answered = true;
        }
      };
    }
  }

  private final class Listener extends ClientCall.Listener<ModelInferResponse> {
    private final Runnable over;
    private @Nullable ModelInferResponse response;

    Listener(Runnable over) {
      this.over = over;
    }

    @Override
    public void onMessage(ModelInferResponse message) {
      response = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      over.run();
      result.complete(result(status));
    }

    private Result result(Status status) {
      if (status.isOk() && response != null) {
        server.breaker().succeeded();
        return new Result.Answered(response);
      }
      if (status.isOk()) {
        status = Status.INTERNAL.withCause(new MalformedAnswerException("no answer"));
      }
      Meaning meaning = Meaning.of(status, onTheWire);
      if (cancelled || (meaning == Meaning.LATE && !patient)) {
        server.breaker().ended();
      } else if (meaning.isAgainstServer() || meaning == Meaning.LATE) {
        server.breaker().failed();
      } else {
        server.breaker().succeeded();
      }
      return new Result.Failed(meaning, status, isDone(status, answered) || !onTheWire);
    }
  }
}
