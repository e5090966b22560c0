package dev.fovea.app;

import com.google.common.util.concurrent.MoreExecutors;
import dev.fovea.engine.triton.EventLoops;
import dev.fovea.rpc.Door;
import dev.fovea.rpc.LegibleRequests;
import dev.fovea.rpc.kserve.InferenceRpc;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/// The gRPC server on Netty (epoll where there is one), with its limits against hostile clients,
/// its health service and reflection. Calls run on virtual threads, but for those that need none.
final class GrpcServer implements AutoCloseable {
  private final HealthStatusManager health;
  private final Server server;
  private final Settings.Drain drain;
  private final Runnable atShutdown;

  private GrpcServer(
      HealthStatusManager health, Server server, Settings.Drain drain, Runnable atShutdown) {
    this.health = health;
    this.server = server;
    this.drain = drain;
    this.atShutdown = atShutdown;
  }

  /// Listens. Health says NOT_SERVING until [#setServing].
  ///
  /// @param door says which calls need a thread, and is the last of the interceptors
  /// @param tracers told when each call begins and ends, in this order
  /// @param interceptors the first one sees a call first
  /// @param atShutdown tells the calls that live long that no new ones are taken
  static GrpcServer start(
      Settings settings,
      List<BindableService> services,
      Door door,
      List<ServerStreamTracer.Factory> tracers,
      List<ServerInterceptor> interceptors,
      Runnable atShutdown) {
    Settings.Grpc grpc = settings.grpc();
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    Executor threads = door.timed(Executors.newVirtualThreadPerTaskExecutor());
    NettyServerBuilder builder =
        EventLoops.shared()
            .serve(NettyServerBuilder.forAddress(new InetSocketAddress(grpc.host(), grpc.port())))
            .directExecutor()
            .callExecutor(new CallExecutor(door, threads))
            .maxInboundMessageSize(grpc.maxMessageBytes())
            .maxInboundMetadataSize(grpc.maxHeaderListBytes())
            .maxConcurrentCallsPerConnection(grpc.maxConcurrentCalls())
            .maxRstFramesPerWindow(
                grpc.maxResets(), Math.toIntExact(grpc.resetWindow().toSeconds()))
            .permitKeepAliveTime(grpc.permitKeepAlive().toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveWithoutCalls(true)
            .keepAliveTime(grpc.keepAlive().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(grpc.keepAliveTimeout().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionIdle(grpc.maxConnectionIdle().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionAge(grpc.maxConnectionAge().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionAgeGrace(grpc.maxConnectionAgeGrace().toMillis(), TimeUnit.MILLISECONDS);
    tracers.forEach(builder::addStreamTracerFactory);
    builder.addStreamTracerFactory(door);
    services.forEach(service -> builder.addService(LegibleRequests.of(service.bindService())));
    builder.addService(health.getHealthService());
    if (grpc.reflection()) {
      builder.addService(ProtoReflectionServiceV1.newInstance());
    }
    // The builder calls the interceptor that was added last first.
    builder.intercept(door);
    interceptors.reversed().forEach(builder::intercept);
    try {
      return new GrpcServer(health, builder.build().start(), settings.drain(), atShutdown);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot listen on %s:%d".formatted(grpc.host(), grpc.port()), e);
    }
  }

  /// Where calls run. What reads the connection looks up their method and refuses those that there
  /// is no room for; of most others it does no more.
  private record CallExecutor(Door door, Executor threads) implements ServerCallExecutorSupplier {
    @Override
    public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata headers) {
      boolean letIn = door.letsIn(call, headers);
      return !letIn || InferenceRpc.needsNoThread(call.getMethodDescriptor())
          ? MoreExecutors.directExecutor()
          : threads;
    }
  }

  /// Sets the status of one name of the health service: a service, a family, or all.
  void setServing(String name, boolean serving) {
    health.setStatus(name, serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  int port() {
    return server.getPort();
  }

  /// Ends in order: says NOT_SERVING, lets load balancers notice, takes no more connections, waits
  /// for the calls under way, and cuts off what is left when the grace is over.
  @Override
  public void close() {
    health.enterTerminalState();
    try {
      pause(drain.delay());
      server.shutdown();
      atShutdown.run();
      if (!server.awaitTermination(drain.grace().toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination();
      }
    } catch (InterruptedException _) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private void pause(Duration delay) throws InterruptedException {
    // Nobody terminates the server meanwhile: this waits for the whole delay.
    boolean _ = server.awaitTermination(delay.toMillis(), TimeUnit.MILLISECONDS);
  }
}
