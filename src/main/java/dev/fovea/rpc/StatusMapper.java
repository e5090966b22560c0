package dev.fovea.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.fovea.failure.FieldViolation;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Kind;
import dev.fovea.failure.Reason;
import io.grpc.Status.Code;

/// Turns refusals into gRPC statuses: the only translator there is. What it writes is made of the
/// refusal's own words and numbers; the text of any other exception stays here.
public final class StatusMapper {
  /// The domain of every reason.
  public static final String DOMAIN = "fovea.dev";

  /// Trailers are small: clients accept 8 KiB of them by default, and the message stands in them
  /// twice.
  private static final int MAX_VIOLATIONS = 8;

  private StatusMapper() {}

  /// The status of a refusal, with its reason, the fields at fault and when to come back.
  ///
  /// @param requestId told to the client, who may report it
  static Status status(GatewayException refusal, String requestId) {
    Status.Builder status =
        Status.newBuilder()
            .setCode(code(refusal.reason().kind()).value())
            .setMessage(refusal.getMessage())
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(refusal.reason().name())
                        .setDomain(DOMAIN)
                        .putAllMetadata(refusal.metadata())
                        .putMetadata("requestId", requestId)
                        .build()));
    if (!refusal.violations().isEmpty()) {
      status.addDetails(Any.pack(badRequest(refusal)));
    }
    refusal
        .retryAfter()
        .ifPresent(delay ->
            status.addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(
                            Duration.newBuilder()
                                .setSeconds(delay.getSeconds())
                                .setNanos(delay.getNano()))
                        .build())));
    return status.build();
  }

  private static BadRequest badRequest(GatewayException refusal) {
    BadRequest.Builder badRequest = BadRequest.newBuilder();
    for (FieldViolation violation : refusal.violations().stream().limit(MAX_VIOLATIONS).toList()) {
      badRequest.addFieldViolations(
          BadRequest.FieldViolation.newBuilder()
              .setField(violation.field())
              .setDescription(violation.description()));
    }
    return badRequest.build();
  }

  /// The refusal that a client may see of an exception that is not meant for it.
  static GatewayException unexpected(Throwable exception) {
    return new GatewayException(Reason.INTERNAL_ERROR, "internal error", exception);
  }

  private static Code code(Kind kind) {
    return switch (kind) {
      case INVALID -> Code.INVALID_ARGUMENT;
      case NOT_FOUND -> Code.NOT_FOUND;
      case UNSUPPORTED -> Code.FAILED_PRECONDITION;
      case EXISTS -> Code.ALREADY_EXISTS;
      case CONFLICT -> Code.ABORTED;
      case EXHAUSTED -> Code.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Code.UNAVAILABLE;
      case LATE -> Code.DEADLINE_EXCEEDED;
      case CANCELLED -> Code.CANCELLED;
      case FAULT -> Code.INTERNAL;
    };
  }
}
