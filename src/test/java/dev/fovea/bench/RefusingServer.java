package dev.fovea.bench;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.Objects;

/// A gRPC server that refuses every call by its headers, on the thread that reads the connection,
/// and knows nothing else: no refusal can cost less.
final class RefusingServer {
  private RefusingServer() {}

  static void serve() throws IOException {
    Server server =
        NettyServerBuilder.forPort(0)
            .directExecutor()
            .maxConcurrentCallsPerConnection(1024)
            .addService(
                ServerServiceDefinition.builder(EmbeddingServiceGrpc.SERVICE_NAME)
                    .addMethod(
                        EmbeddingServiceGrpc.getEmbedMethod(), (call, _) -> refuse(call, refusal()))
                    .build())
            .build()
            .start();
    try {
      LoadServer.answerQuestions(server.getPort(), () -> 0);
    } finally {
      server.shutdownNow();
    }
  }

  private static <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call, StatusRuntimeException refusal) {
    call.close(refusal.getStatus(), Objects.requireNonNull(refusal.getTrailers()));
    return new ServerCall.Listener<>() {};
  }

  private static StatusRuntimeException refusal() {
    return StatusProto.toStatusRuntimeException(
        Status.newBuilder()
            .setCode(Code.RESOURCE_EXHAUSTED_VALUE)
            .setMessage("too much is under way")
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder().setReason("QUEUE_FULL").setDomain("fovea.dev").build()))
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(Duration.newBuilder().setNanos(100_000_000))
                        .build()))
            .build(),
        new Metadata());
  }
}
