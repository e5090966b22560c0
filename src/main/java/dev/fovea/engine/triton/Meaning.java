package dev.fovea.engine.triton;

import dev.fovea.call.Deadline;
import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import io.grpc.Status;
import java.util.Locale;

/// What the status of a call to the server means.
///
/// Triton folds half a dozen causes into UNAVAILABLE and tells them apart in its text alone, so the
/// text is read here, and only here. It goes into the log and never to a client.
enum Meaning {
  /// The time of the call is over.
  LATE(true, false),
  /// The server's queue for the model is full: the request was never queued.
  QUEUE_FULL(false, false),
  /// The request waited longer in the server's queue than the model's own policy allows.
  QUEUE_TIMEOUT(true, false),
  /// The server has the model and does not run it now.
  MODEL_NOT_READY(false, false),
  /// The server does not know the model, or has no version of it.
  MODEL_UNKNOWN(false, false),
  /// The server does not know the memory that the request's tensors lie in.
  MEMORY_UNKNOWN(false, false),
  /// The server starts, or ends.
  SERVER_NOT_READY(false, false),
  /// The server asks for a key that was not given (`--grpc-restricted-protocol`).
  RESTRICTED(false, false),
  /// The request never reached the server.
  UNREACHABLE(false, true),
  /// The connection broke while the server had the request: it may have run.
  CONNECTION_LOST(true, true),
  /// The server gave the request up.
  ABANDONED(true, false),
  /// The server does not take the request: the model there is not what the repository says.
  NOT_TAKEN(true, false),
  /// The execution failed.
  EXECUTION_FAILED(true, false),
  /// What came back is no answer of the protocol.
  MALFORMED(true, true);

  private static final String MEMORY = "shared memory region";

  private final boolean mayHaveStarted;
  private final boolean againstServer;

  Meaning(boolean mayHaveStarted, boolean againstServer) {
    this.mayHaveStarted = mayHaveStarted;
    this.againstServer = againstServer;
  }

  /// @param status of a call that failed, and that its caller did not cancel
  /// @param onTheWire whether the request had left
  static Meaning of(Status status, boolean onTheWire) {
    String text =
        status.getDescription() == null ? "" : status.getDescription().toLowerCase(Locale.ROOT);
    if (status.getCause() instanceof MalformedAnswerException) {
      return MALFORMED;
    }
    return switch (status.getCode()) {
      case DEADLINE_EXCEEDED -> LATE;
      case UNAVAILABLE -> ofUnavailable(text, onTheWire);
      case NOT_FOUND -> text.contains(MEMORY) ? MEMORY_UNKNOWN : MODEL_UNKNOWN;
      case CANCELLED -> text.contains("rst_stream") ? CONNECTION_LOST : ABANDONED;
      case INVALID_ARGUMENT -> text.contains(MEMORY) ? MEMORY_UNKNOWN : NOT_TAKEN;
      case UNIMPLEMENTED, ALREADY_EXISTS, FAILED_PRECONDITION, OUT_OF_RANGE -> NOT_TAKEN;
      case UNAUTHENTICATED, PERMISSION_DENIED -> RESTRICTED;
      // Triton never says it: our own side does of an answer larger than is read, a proxy of load.
      case RESOURCE_EXHAUSTED -> text.contains("exceeds maximum size") ? MALFORMED : QUEUE_FULL;
      // A status with a cause is our own transport's.
      case INTERNAL, UNKNOWN ->
          text.contains("rst_stream") || status.getCause() != null
              ? CONNECTION_LOST
              : EXECUTION_FAILED;
      case OK, ABORTED, DATA_LOSS -> EXECUTION_FAILED;
    };
  }

  /// Of an error that came inside a message of a stream, where there is a text and no status.
  static Meaning ofText(String error) {
    String text = error.toLowerCase(Locale.ROOT);
    if (text.contains("unknown model") || text.contains("no available versions")) {
      return MODEL_UNKNOWN;
    }
    Meaning meaning = ofUnavailable(text, true);
    return meaning == CONNECTION_LOST ? EXECUTION_FAILED : meaning;
  }

  private static Meaning ofUnavailable(String text, boolean onTheWire) {
    if (text.contains("maximum queue size")) {
      return QUEUE_FULL;
    }
    if (text.contains("timeout expired") || text.contains("has been expired")) {
      return QUEUE_TIMEOUT;
    }
    if (text.contains("not at ready state") || text.contains("is not ready")) {
      return text.contains("server") ? SERVER_NOT_READY : MODEL_NOT_READY;
    }
    if (text.contains("server not ready")
        || text.contains("server exiting")
        || text.contains("stopped accepting new requests")) {
      return SERVER_NOT_READY;
    }
    if (text.contains("protocol is restricted")) {
      return RESTRICTED;
    }
    return onTheWire ? CONNECTION_LOST : UNREACHABLE;
  }

  /// Whether the model may have begun to run the request, so that it must not be sent again.
  boolean mayHaveStarted() {
    return mayHaveStarted;
  }

  /// Whether it speaks against the server itself rather than against one model or one call.
  boolean isAgainstServer() {
    return againstServer;
  }

  /// The refusal that a caller gets.
  ///
  /// @param cause for the log alone
  GatewayException refusal(ServableModel model, int queueSize, Throwable cause) {
    return switch (this) {
      case LATE -> Deadline.exceeded("the model's answer");
      case QUEUE_FULL, QUEUE_TIMEOUT -> Refusals.queueFull(model, queueSize);
      case MODEL_NOT_READY,
          MODEL_UNKNOWN,
          MEMORY_UNKNOWN,
          SERVER_NOT_READY,
          RESTRICTED,
          UNREACHABLE,
          CONNECTION_LOST,
          ABANDONED ->
          Refusals.unavailable(model, name(), cause);
      case NOT_TAKEN, EXECUTION_FAILED, MALFORMED -> Refusals.failed(model, cause);
    };
  }
}
