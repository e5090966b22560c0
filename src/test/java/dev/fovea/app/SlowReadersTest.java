package dev.fovea.app;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.raw;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.MessageLite;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Await;
import dev.fovea.fake.Http2Wire;
import dev.fovea.fake.UnitVectors;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.StreamEmbedItem;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedSetup;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Clients of streams that send and take nothing.
@Timeout(180)
final class SlowReadersTest {
  private static final String STREAM =
      EmbeddingServiceGrpc.getStreamEmbedMethod().getFullMethodName();

  private TestGateway gateway;

  @BeforeEach
  void start() {
    gateway =
        TestGateway.start(
            Map.of("fovea.drain.grace", "1s"),
            clock -> new ScriptedEngine(new UnitVectors(), clock, 256));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  /// Each of two hundred streams stops when about 32 KiB of answers, and those of its window, wait
  /// for a client that takes none.
  @Test
  void clientsThatDoNotReadHoldNoMoreThanTheirWindowsAndKeepNobodyOut() throws IOException {
    int items = 150;
    byte[] setup =
        framed(
            StreamEmbedRequest.newBuilder()
                .setSetup(StreamEmbedSetup.newBuilder().setMaxInFlight(4))
                .build());
    long before = begun();
    List<Http2Wire> wires = new ArrayList<>();
    try {
      for (int client = 0; client < 200; client++) {
        // INITIAL_WINDOW_SIZE of 0: no answer may be sent.
        Http2Wire wire =
            new Http2Wire(
                gateway.port(), (byte) 0, (byte) 4, (byte) 0, (byte) 0, (byte) 0, (byte) 0);
        wires.add(wire);
        int stream = wire.open(STREAM);
        wire.write(Http2Wire.DATA, 0, stream, setup);
        for (int item = 1; item <= items; item++) {
          StreamEmbedItem.Builder one =
              StreamEmbedItem.newBuilder().setSequence(item).setItem(raw(4, 4, new byte[48]));
          wire.write(
              Http2Wire.DATA,
              0,
              stream,
              framed(StreamEmbedRequest.newBuilder().setItem(one).build()));
        }
        wire.flush();
      }
      Await.until(
          "all streams are open",
          Duration.ofSeconds(60),
          () -> gateway.metric("fovea.streams") == 200);
      awaitStandstill();

      // About 1.1 KB an answer: 30 in the buffer, 4 of the window.
      assertThat(begun() - before).isBetween(200L, 200L * 60);
      assertThat(
              EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                  .embed(embed(noise(1)))
                  .getResults(0)
                  .hasEmbedding())
          .isTrue();
    } finally {
      for (Http2Wire wire : wires) {
        wire.close();
      }
    }
    Await.until(
        "no stream is left", Duration.ofSeconds(60), () -> gateway.metric("fovea.streams") == 0);
  }

  /// Images that were begun.
  private long begun() {
    return gateway.count("fovea.stage.duration", "stage", "preprocess");
  }

  /// Until nothing was begun for three hundred looks.
  private void awaitStandstill() {
    long[] last = {-1, 0};
    Await.until(
        "the streams to stand still",
        Duration.ofSeconds(60),
        () -> {
          long now = begun();
          last[1] = now == last[0] ? last[1] + 1 : 0;
          last[0] = now;
          return last[1] == 300;
        });
  }

  private static byte[] framed(MessageLite message) {
    return ByteBuffer.allocate(5 + message.getSerializedSize())
        .put((byte) 0)
        .putInt(message.getSerializedSize())
        .put(message.toByteArray())
        .array();
  }
}
