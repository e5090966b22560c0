package dev.fovea.cli;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/// Says in one line what went wrong, and what to do about it.
final class Complaint implements IExecutionExceptionHandler {
  static final int REFUSED = 1;
  static final int NO_SERVER = 3;

  @Override
  public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed)
      throws Exception {
    PrintWriter err = command.getErr();
    return switch (e) {
      case StatusRuntimeException refused when isUnreachable(refused) -> {
        err.println("fovea: no server answers at " + serverOf(command));
        err.println("       start one with: ./fovea serve");
        yield NO_SERVER;
      }
      case StatusRuntimeException refused -> {
        Status status = StatusProto.fromThrowable(refused);
        err.println(
            "fovea: " + (status == null ? refused.getStatus().toString() : describe(status)));
        yield REFUSED;
      }
      case UnreadableFileException unreadable -> {
        err.println("fovea: " + unreadable.getMessage());
        yield REFUSED;
      }
      default -> throw e;
    };
  }

  /// UNAVAILABLE that no server of ours has sent: it would carry details.
  private static boolean isUnreachable(StatusRuntimeException e) {
    Status status = StatusProto.fromThrowable(e);
    return e.getStatus().getCode() == Code.UNAVAILABLE
        && (status == null || status.getDetailsCount() == 0);
  }

  private static String serverOf(CommandLine command) {
    return command.getCommand() instanceof ServerCommand asked ? asked.server() : "the address";
  }

  /// A refusal as one line: code, reason, message.
  static String describe(Status status) {
    StringBuilder line =
        new StringBuilder(io.grpc.Status.fromCodeValue(status.getCode()).getCode().name());
    info(status).ifPresent(info -> line.append(' ').append(info.getReason()));
    return line.append(": ").append(status.getMessage()).toString();
  }

  /// What programs are told of a refusal; empty where it is none of this server's.
  static Optional<ErrorInfo> info(Status status) {
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return Optional.of(detail.unpack(ErrorInfo.class));
        } catch (InvalidProtocolBufferException _) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }
}
