package dev.fovea.engine.triton;

import inference.GRPCInferenceServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Detachable;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/// Forwards inference calls as the bytes they are, on the loop that read them, and looks into
/// nothing: the least that anything built on this transport adds. For benchmarks.
public final class RawProxy implements MethodDescriptor.Marshaller<InputStream> {
  private static final MethodDescriptor<InputStream, InputStream> INFER =
      MethodDescriptor.newBuilder(new RawProxy(), new RawProxy())
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())
          .build();

  private RawProxy() {}

  /// Takes the transport's own buffers along.
  @Override
  public InputStream parse(InputStream stream) {
    return stream instanceof Detachable kept ? kept.detach() : stream;
  }

  @Override
  public InputStream stream(InputStream bytes) {
    return bytes;
  }

  /// Serves until the input ends; says its port first.
  public static void serve(String host, int port) throws IOException {
    Map<EventLoop, ManagedChannel> channels = new LinkedHashMap<>();
    for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
      EventLoop loop = EventLoops.shared().loop(i);
      channels.put(
          loop,
          EventLoops.shared()
              .connect(NettyChannelBuilder.forAddress(host, port), loop)
              .usePlaintext()
              .directExecutor()
              .maxInboundMessageSize(64 << 20)
              .build());
    }
    Server server =
        EventLoops.shared()
            .serve(NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)))
            .directExecutor()
            .maxInboundMessageSize(64 << 20)
            .addService(
                ServerServiceDefinition.builder("inference.GRPCInferenceService")
                    .addMethod(
                        INFER,
                        ServerCalls.asyncUnaryCall(
                            (InputStream request, StreamObserver<InputStream> observer) ->
                                ClientCalls.asyncUnaryCall(
                                    channel(channels).newCall(INFER, CallOptions.DEFAULT),
                                    request,
                                    observer)))
                    .build())
            .build()
            .start();
    System.out.println("port " + server.getPort());
    while (System.in.read() >= 0) {
      Thread.onSpinWait();
    }
    server.shutdownNow();
    channels.values().forEach(ManagedChannel::shutdownNow);
  }

  private static ManagedChannel channel(Map<EventLoop, ManagedChannel> channels) {
    for (Map.Entry<EventLoop, ManagedChannel> each : channels.entrySet()) {
      if (each.getKey().inEventLoop()) {
        return each.getValue();
      }
    }
    throw new IllegalStateException("no loop of the transport");
  }
}
