package dev.fovea.app;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.raw;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The soak cases of gRPC's interoperability tests: a thousand calls of 270 kilobytes, on one
/// connection and on one each.
@Timeout(300)
final class LargeCallsTest {
  private static final int CALLS = 1000;
  private static final int SIDE = 301;

  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    gateway =
        TestGateway.start(Map.of(), clock -> new ScriptedEngine(new UnitVectors(), clock, 256));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void aThousandOnOneConnectionAreAnswered() {
    for (int call = 0; call < CALLS; call++) {
      embedLarge(gateway.channel(), call);
    }
  }

  @Test
  void aThousandOnAConnectionEachAreAnswered() throws InterruptedException {
    for (int call = 0; call < CALLS; call++) {
      ManagedChannel channel = gateway.newChannel();
      try {
        embedLarge(channel, call);
      } finally {
        channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      }
    }
  }

  private static void embedLarge(Channel channel, int call) {
    byte[] pixels = new byte[SIDE * SIDE * 3];
    new Random(call).nextBytes(pixels);
    String id = "call " + call;
    EmbedRequest request = embed(raw(SIDE, SIDE, pixels).toBuilder().setId(id).build());

    EmbedResponse response = EmbeddingServiceGrpc.newBlockingStub(channel).embed(request);

    assertThat(response.getResults(0).getId()).isEqualTo(id);
    assertThat(response.getResults(0).hasEmbedding()).isTrue();
  }
}
