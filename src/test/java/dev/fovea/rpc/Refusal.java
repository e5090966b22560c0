package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.fovea.failure.Reason;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// A refusal as a client sees it.
///
/// @param code the status code
/// @param message for people
/// @param reason of its ErrorInfo; empty where none arrived
/// @param metadata of its ErrorInfo
/// @param fields the fields at fault
/// @param retryable whether it says when to come back
public record Refusal(
    Code code,
    String message,
    String reason,
    Map<String, String> metadata,
    List<String> fields,
    boolean retryable) {

  /// What a call that must be refused is refused with.
  public static Refusal of(ThrowingCallable call) {
    StatusRuntimeException e = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(e).as("the call must be refused").isNotNull();
    Status status = StatusProto.fromThrowable(e);
    return status == null
        ? new Refusal(e.getStatus().getCode(), "", "", Map.of(), List.of(), false)
        : of(status);
  }

  public static Refusal of(Status status) {
    Optional<ErrorInfo> info = detail(status, ErrorInfo.class);
    Optional<BadRequest> badRequest = detail(status, BadRequest.class);
    info.ifPresent(i -> assertThat(i.getDomain()).isEqualTo("fovea.dev"));
    return new Refusal(
        io.grpc.Status.fromCodeValue(status.getCode()).getCode(),
        status.getMessage(),
        info.map(ErrorInfo::getReason).orElse(""),
        info.map(ErrorInfo::getMetadataMap).orElse(Map.of()),
        badRequest
            .map(b -> b.getFieldViolationsList().stream().map(v -> v.getField()).toList())
            .orElse(List.of()),
        detail(status, RetryInfo.class).isPresent());
  }

  private static <M extends com.google.protobuf.Message> Optional<M> detail(
      Status status, Class<M> type) {
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          throw new AssertionError(e);
        }
      }
    }
    return Optional.empty();
  }

  /// Checks code, reason and the one field that is named.
  public Refusal mustBe(Code code, Reason reason, String field) {
    assertThat(this.reason).isEqualTo(reason.name());
    assertThat(this.code).isEqualTo(code);
    assertThat(fields).containsExactly(field);
    assertThat(message).startsWith(field).contains("expected:");
    return mustBeFitForClients();
  }

  /// Checks code and reason of a refusal that is not about a field.
  public Refusal mustBe(Code code, Reason reason) {
    assertThat(this.reason).isEqualTo(reason.name());
    assertThat(this.code).isEqualTo(code);
    assertThat(fields).isEmpty();
    return mustBeFitForClients();
  }

  private Refusal mustBeFitForClients() {
    assertThat(metadata).containsKey("requestId");
    assertThat(message)
        .doesNotContain(
            "Exception", "java.", "ai.onnxruntime", "\tat ", "/model-repository", ".java");
    return this;
  }
}
