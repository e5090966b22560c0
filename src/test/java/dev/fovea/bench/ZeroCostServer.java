package dev.fovea.bench;

import com.google.protobuf.ByteString;
import dev.fovea.fake.FakeTriton;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import inference.ModelConfigRequest;
import inference.ModelConfigResponse;
import inference.ModelInferResponse;
import inference.ModelReadyRequest;
import inference.ModelReadyResponse;
import inference.ServerLiveRequest;
import inference.ServerLiveResponse;
import inference.ServerMetadataRequest;
import inference.ServerMetadataResponse;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A Triton that computes nothing: it takes the request's bytes and gives the same answer to all,
/// on the thread that read them. What a call to it costs is transport.
final class ZeroCostServer implements AutoCloseable {
  private static final int VECTOR = 192;

  private final Server server;

  ZeroCostServer() throws IOException {
    byte[] answer =
        ModelInferResponse.newBuilder()
            .setModelName("pixels")
            .setModelVersion("1")
            .addOutputs(
                ModelInferResponse.InferOutputTensor.newBuilder()
                    .setName("vector")
                    .setDatatype("FP32")
                    .addShape(1)
                    .addShape(VECTOR))
            .addRawOutputContents(ByteString.copyFrom(new byte[4 * VECTOR]))
            .build()
            .toByteArray();
    ServerServiceDefinition described = new Described().bindService();
    ServerServiceDefinition.Builder service =
        ServerServiceDefinition.builder(described.getServiceDescriptor().getName());
    described.getMethods().stream()
        .filter(method ->
            !method
                .getMethodDescriptor()
                .getFullMethodName()
                .equals(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName()))
        .forEach(service::addMethod);
    service.addMethod(
        RawBytes.INFER,
        ServerCalls.asyncUnaryCall((byte[] _, StreamObserver<byte[]> observer) -> {
          observer.onNext(answer);
          observer.onCompleted();
        }));
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .directExecutor()
            .maxInboundMessageSize(16 << 20)
            .addService(service.build())
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  /// The model that it pretends to run: pixels in, a vector out.
  static ServableModel model() {
    Signature signature =
        new Signature(
            List.of(new TensorSpec("pixels", DataType.UINT8, Shape.of(Shape.ANY))),
            List.of(new TensorSpec("vector", DataType.FP32, Shape.of(VECTOR))),
            8);
    return new ServableModel(
        "pixels",
        "1",
        "pixels",
        Role.VISION,
        Path.of("pixels"),
        signature,
        BatchPolicy.DEFAULT,
        2,
        0,
        Map.of(),
        "vector",
        List.of(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        Optional.empty());
  }

  private static final class Described extends GRPCInferenceServiceImplBase {
    @Override
    public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
      observer.onNext(ServerLiveResponse.newBuilder().setLive(true).build());
      observer.onCompleted();
    }

    @Override
    public void serverMetadata(
        ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
      observer.onNext(ServerMetadataResponse.newBuilder().setName("triton").build());
      observer.onCompleted();
    }

    @Override
    public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
      observer.onNext(ModelReadyResponse.newBuilder().setReady(true).build());
      observer.onCompleted();
    }

    @Override
    public void modelConfig(
        ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
      observer.onNext(
          ModelConfigResponse.newBuilder().setConfig(FakeTriton.configOf(model())).build());
      observer.onCompleted();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
