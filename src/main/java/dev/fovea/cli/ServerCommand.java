package dev.fovea.cli;

import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.fovea.v1.CallInfo;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.Timings;
import dev.fovea.v1.Warning;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.AbstractBlockingStub;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// What the commands have in common: which server, in which form to answer, and how the facts of a
/// call are told.
abstract class ServerCommand implements Callable<Integer> {
  private static final int MAX_RESPONSE_BYTES = 256 << 20;

  @Option(
      names = "--server",
      paramLabel = "HOST:PORT",
      defaultValue = "localhost:9000",
      description = "The server. Default: ${DEFAULT-VALUE}")
  private String server = "";

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "Longest time to wait. Default: ${DEFAULT-VALUE}")
  private double timeoutSeconds;

  @Option(names = "--json", description = "Answer as JSON, for programs")
  private boolean json;

  @Spec private CommandSpec spec;

  String server() {
    return server;
  }

  @Override
  public final Integer call() throws Exception {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(server)
            .usePlaintext()
            .maxInboundMessageSize(MAX_RESPONSE_BYTES)
            .build();
    try {
      return call(channel);
    } finally {
      channel.shutdownNow();
    }
  }

  /// Asks and tells.
  ///
  /// @return the exit status
  abstract int call(ManagedChannel channel) throws InterruptedException;

  <S extends AbstractBlockingStub<S>> S withDeadline(S stub) {
    return stub.withDeadlineAfter((long) (timeoutSeconds * 1000), TimeUnit.MILLISECONDS);
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /// Whether the answer is to be told as JSON.
  boolean wantsJson() {
    return json;
  }

  /// The whole answer as JSON where that is wanted.
  ///
  /// @return whether it was
  boolean toldAsJson(Message response) {
    if (json) {
      try {
        out()
            .println(
                JsonFormat.printer()
                    .usingTypeRegistry(
                        TypeRegistry.newBuilder()
                            .add(ErrorInfo.getDescriptor())
                            .add(BadRequest.getDescriptor())
                            .add(RetryInfo.getDescriptor())
                            .build())
                    .print(response));
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("the answer has a detail of an unknown type", e);
      }
    }
    return json;
  }

  static ModelSelector selector(String model) {
    return ModelSelector.newBuilder().setModel(model).build();
  }

  /// Tells warnings, and where the time went.
  void tell(CallInfo info) {
    for (Warning warning : info.getWarningsList()) {
      out().println("warning: " + warning.getMessage());
    }
    Timings timings = info.getTimings();
    StringBuilder line = new StringBuilder();
    line.append(millis(timings.getTotal())).append(" in the server");
    append(line, "decode", timings.getDecode());
    append(line, "preprocess", timings.getPreprocess());
    append(line, "tokenize", timings.getTokenize());
    append(line, "queue", timings.getQueue());
    append(line, "engine", timings.getBackend());
    out().println(line);
    StringBuilder models = new StringBuilder();
    for (ModelRef model : info.getModelsList()) {
      models
          .append(models.isEmpty() ? "" : ", ")
          .append(model.getModel())
          .append(" version ")
          .append(model.getVersion())
          .append(" (")
          .append(model.getArtifactDigest(), 0, Math.min(12, model.getArtifactDigest().length()))
          .append(')');
    }
    out().println(models);
  }

  private static void append(StringBuilder line, String stage, Duration time) {
    if (Durations.isPositive(time)) {
      line.append(", ").append(stage).append(' ').append(millis(time));
    }
  }

  private static String millis(Duration time) {
    return String.format(Locale.ROOT, "%.1f ms", Durations.toNanos(time) / 1e6);
  }
}
