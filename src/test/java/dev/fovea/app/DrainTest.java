package dev.fovea.app;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Await;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Refusal;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.ConnectivityState;
import io.grpc.EquivalentAddressGroup;
import io.grpc.ManagedChannel;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status.Code;
import io.grpc.StatusOr;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// How a server ends, over real channels.
@Timeout(120)
final class DrainTest {
  private final Held script = new Held();

  @Test
  void serverThatSaysNotServingStillServesUntilLoadBalancersHaveNoticed() throws Exception {
    try (TestGateway gateway = start(Map.of("fovea.drain.delay", "60s"))) {
      Thread draining = Thread.ofVirtual().start(gateway::drain);

      Await.until(
          "health says NOT_SERVING",
          Duration.ofSeconds(30),
          () ->
              HealthGrpc.newBlockingStub(gateway.channel())
                      .check(HealthCheckRequest.getDefaultInstance())
                      .getStatus()
                  == ServingStatus.NOT_SERVING);
      ManagedChannel another = gateway.newChannel();
      assertThat(answers(another)).isTrue();
      another.shutdownNow();

      draining.interrupt();
      draining.join();
    }
  }

  @Test
  void callThatOutlivesTheGraceIsCutOff() throws Exception {
    try (TestGateway gateway = start(Map.of("fovea.drain.grace", "100ms"))) {
      script.hold();
      ListenableFuture<EmbedResponse> call =
          EmbeddingServiceGrpc.newFutureStub(gateway.channel()).embed(embed(noise(1)));
      script.awaitHeld();

      Thread draining = Thread.ofVirtual().start(gateway::drain);

      assertThat(
              Refusal.of(
                      () -> {
                        try {
                          call.get();
                        } catch (ExecutionException e) {
                          throw e.getCause();
                        }
                      })
                  .code())
          .isIn(Code.UNAVAILABLE, Code.CANCELLED);
      script.letGo();
      draining.join();
    }
  }

  @Test
  void connectionThatIsOldEndsWhenItsCallsHaveEndedAndAnotherTakesItsPlace() throws Exception {
    try (TestGateway gateway =
        start(
            Map.of(
                "fovea.grpc.max-connection-age", "300ms",
                "fovea.grpc.max-connection-age-grace", "60s"))) {
      ManagedChannel channel = gateway.newChannel();
      script.hold();
      ListenableFuture<EmbedResponse> underWay =
          EmbeddingServiceGrpc.newFutureStub(channel).embed(embed(noise(1)));
      script.awaitHeld();

      // The connection was asked to end: the channel has none for new calls.
      Await.until(
          "the connection is too old",
          Duration.ofSeconds(30),
          () -> channel.getState(false) == ConnectivityState.IDLE);
      assertThat(underWay.isDone()).isFalse();
      script.letGo();

      assertThat(underWay.get().getResults(0).hasEmbedding()).isTrue();
      assertThat(answers(channel)).isTrue();
      channel.shutdownNow();
    }
  }

  /// Three servers, one after the other replaced by another, under load: a client that balances and
  /// tries again where a server says UNAVAILABLE sees nothing of it.
  @Test
  void clientsSeeNothingOfARollingRestart() throws Exception {
    List<TestGateway> servers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      servers.add(start(Map.of("fovea.drain.grace", "30s")));
    }
    Addresses addresses = new Addresses(servers);
    NameResolverRegistry.getDefaultRegistry().register(addresses);
    ManagedChannel channel =
        NettyChannelBuilder.forTarget("rolling:///servers")
            .usePlaintext()
            .defaultLoadBalancingPolicy("round_robin")
            .enableRetry()
            .defaultServiceConfig(RETRY_UNAVAILABLE)
            .build();
    AtomicBoolean over = new AtomicBoolean();
    LongAdder answered = new LongAdder();
    ConcurrentLinkedQueue<StatusRuntimeException> failed = new ConcurrentLinkedQueue<>();
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 4; i++) {
        clients.execute(() -> {
          while (!over.get()) {
            try {
              answers(channel);
              answered.increment();
            } catch (StatusRuntimeException e) {
              failed.add(e);
            }
          }
        });
      }
      for (int i = 0; i < 3; i++) {
        long before = answered.sum();
        Await.until("calls go on", Duration.ofSeconds(30), () -> answered.sum() > before + 50);
        TestGateway old = servers.get(i);
        servers.set(i, start(Map.of()));
        addresses.tell();
        old.close();
      }
      over.set(true);
    } finally {
      over.set(true);
      channel.shutdownNow();
      NameResolverRegistry.getDefaultRegistry().deregister(addresses);
      servers.forEach(TestGateway::close);
    }

    assertThat(failed).isEmpty();
    assertThat(answered.sum()).isGreaterThan(150);
  }

  private static final Map<String, ?> RETRY_UNAVAILABLE =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(Map.of()),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts",
                      4.0,
                      "initialBackoff",
                      "0.01s",
                      "maxBackoff",
                      "0.1s",
                      "backoffMultiplier",
                      2.0,
                      "retryableStatusCodes",
                      List.of("UNAVAILABLE")))));

  private TestGateway start(Map<String, String> settings) {
    return TestGateway.start(settings, clock -> new ScriptedEngine(script, clock, 256));
  }

  private static boolean answers(ManagedChannel channel) {
    return EmbeddingServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .withWaitForReady()
        .embed(embed(noise(1)))
        .getResults(0)
        .hasEmbedding();
  }

  /// Tells a channel where servers are now.
  private static final class Addresses extends NameResolverProvider {
    private final List<TestGateway> servers;
    private volatile NameResolver.Listener2 listener;

    Addresses(List<TestGateway> servers) {
      this.servers = servers;
    }

    void tell() {
      listener.onResult(
          NameResolver.ResolutionResult.newBuilder()
              .setAddressesOrError(
                  StatusOr.fromValue(
                      servers.stream()
                          .map(server ->
                              new EquivalentAddressGroup(
                                  new InetSocketAddress("127.0.0.1", server.port())))
                          .toList()))
              .build());
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return new NameResolver() {
        @Override
        public void start(Listener2 channel) {
          listener = channel;
          tell();
        }

        @Override
        public void refresh() {
          tell();
        }

        @Override
        public String getServiceAuthority() {
          return "servers";
        }

        @Override
        public void shutdown() {}
      };
    }

    @Override
    public String getDefaultScheme() {
      return "rolling";
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 0;
    }
  }

  /// Answers that a test may hold up.
  private static final class Held extends UnitVectors {
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private final CountDownLatch held = new CountDownLatch(1);

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      if (gate.getCount() > 0) {
        held.countDown();
        try {
          gate.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
      return super.answer(model, row);
    }

    void hold() {
      gate = new CountDownLatch(1);
    }

    void awaitHeld() throws InterruptedException {
      held.await();
    }

    void letGo() {
      gate.countDown();
    }
  }
}
