package dev.fovea.app;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.rpc.Refusal;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.internal.GrpcUtil;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class GrpcServerTest {
  @Test
  void reflectionListsEveryService() throws InterruptedException {
    try (TestGateway gateway = TestGateway.start()) {
      BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
      StreamObserver<ServerReflectionRequest> requests =
          ServerReflectionGrpc.newStub(gateway.channel()).serverReflectionInfo(into(answers));
      requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());

      List<ServiceResponse> services = next(answers).getListServicesResponse().getServiceList();
      requests.onCompleted();

      assertThat(services)
          .extracting(ServiceResponse::getName)
          .contains(
              "fovea.v1.EmbeddingService",
              "fovea.v1.ClassificationService",
              "fovea.v1.ModelService",
              "grpc.health.v1.Health");
    }
  }

  @Test
  void healthIsWatchedFromServingToTheEnd() throws InterruptedException {
    BlockingQueue<HealthCheckResponse> statuses = new LinkedBlockingQueue<>();
    try (TestGateway gateway = TestGateway.start()) {
      HealthGrpc.newStub(gateway.channel())
          .watch(HealthCheckRequest.newBuilder().setService("family/pico").build(), into(statuses));
      assertThat(next(statuses).getStatus()).isEqualTo(ServingStatus.SERVING);

      Thread draining = Thread.startVirtualThread(gateway::drain);

      assertThat(next(statuses).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      gateway.channel().shutdownNow();
      draining.join();
    }
  }

  @Test
  void headersAboveTheLimitAreRefusedAndTheConnectionGoesOn() {
    try (TestGateway gateway = TestGateway.start()) {
      Metadata headers = new Metadata();
      headers.put(
          Metadata.Key.of("padding", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(16 << 10));
      ClientInterceptor attach = MetadataUtils.newAttachHeadersInterceptor(headers);

      Refusal refusal =
          Refusal.of(() ->
              EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                  .withInterceptors(attach)
                  .embed(embed(noise(1))));

      assertThat(refusal.code()).isNotEqualTo(Code.OK);
      assertThat(
              EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                  .embed(embed(noise(1)))
                  .getResults(0)
                  .hasEmbedding())
          .isTrue();
    }
  }

  @Test
  void unknownMethodIsUnimplemented() {
    try (TestGateway gateway = TestGateway.start()) {
      Refusal refusal =
          Refusal.of(() ->
              io.grpc.stub.ClientCalls.blockingUnaryCall(
                  gateway.channel(),
                  EmbeddingServiceGrpc.getEmbedMethod().toBuilder()
                      .setFullMethodName("fovea.v1.EmbeddingService/Nothing")
                      .build(),
                  CallOptions.DEFAULT,
                  embed(noise(1))));

      assertThat(refusal.code()).isEqualTo(Code.UNIMPLEMENTED);
    }
  }

  /// Older lines start more calls than `maxConcurrentCallsPerConnection` for a client that never
  /// acknowledges SETTINGS (CVE-2026-47244).
  @Test
  void grpcIsOfALineThatKeepsItsStreamLimit() {
    String[] version = GrpcUtil.getGrpcBuildVersion().getImplementationVersion().split("\\.", -1);

    assertThat(Integer.parseInt(version[0]) * 1000 + Integer.parseInt(version[1]))
        .isGreaterThanOrEqualTo(1084);
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(30, TimeUnit.SECONDS);
    assertThat(next).isNotNull();
    return next;
  }

  private static <T> StreamObserver<T> into(BlockingQueue<T> queue) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T value) {
        queue.add(value);
      }

      @Override
      public void onError(Throwable t) {}

      @Override
      public void onCompleted() {}
    };
  }
}
