package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.call.CallContext;
import dev.fovea.fake.FakeClock;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class CallContextsTest {
  private final FakeClock clock = new FakeClock();
  private final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
  private final BlockingQueue<CallContext> served = new LinkedBlockingQueue<>();

  @Test
  void waitForAThreadIsPartOfTheTimeOfACall() throws Exception {
    CallPolicy policy =
        new CallPolicy(clock, Duration.ofMillis(1_500), Duration.ofSeconds(60), false);
    CallContexts contexts = new CallContexts(policy);
    Embeddings service = new Embeddings();
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .executor(work::add)
            .addStreamTracerFactory(new TimeLimits(policy, List.of(service)))
            .addStreamTracerFactory(contexts)
            .intercept(contexts)
            .addService(service)
            .build()
            .start();
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(server.getListenSockets().getFirst()).usePlaintext().build();
    try {
      var _ = EmbeddingServiceGrpc.newFutureStub(channel).embed(EmbedRequest.getDefaultInstance());
      Runnable first = work.take();
      clock.advance(Duration.ofMillis(400));
      first.run();
      while (served.isEmpty()) {
        work.take().run();
      }

      assertThat(served.take().deadline().remainingNanos())
          .isEqualTo(Duration.ofMillis(1_100).toNanos());
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  private final class Embeddings extends EmbeddingServiceGrpc.EmbeddingServiceImplBase {
    @Override
    public void embed(EmbedRequest request, StreamObserver<EmbedResponse> observer) {
      served.add(CallContexts.current());
      observer.onNext(EmbedResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }
}
