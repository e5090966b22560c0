package dev.fovea.app;

import static dev.fovea.fake.Http2Wire.number;
import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.bench.MangledRequests;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Await;
import dev.fovea.fake.Http2Wire;
import dev.fovea.fake.UnitVectors;
import dev.fovea.rpc.Refusal;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.ModelServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Clients that keep to nothing, frame by frame: each is cut off, and nobody else notices.
@Timeout(120)
final class HostileClientsTest {
  private static final String STREAM =
      EmbeddingServiceGrpc.getStreamEmbedMethod().getFullMethodName();
  private static final String EMBED = EmbeddingServiceGrpc.getEmbedMethod().getFullMethodName();
  private static final int STREAMS = 1024;
  private static final int RESETS = 1024;
  private static final int MAX_MESSAGE_BYTES = 100_000;

  private TestGateway gateway;

  @BeforeEach
  void start() {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.grpc.max-message-bytes",
                String.valueOf(MAX_MESSAGE_BYTES),
                "fovea.call.default-deadline",
                "2s",
                "fovea.drain.grace",
                "1s"),
            clock -> new ScriptedEngine(new UnitVectors(), clock, 256));
  }

  /// How a flooded connection ends: the reset of a connection with bytes that nobody read can
  /// overtake the server's last frame.
  private static final List<Integer> HAD_ENOUGH =
      List.of(Http2Wire.ENHANCE_YOUR_CALM, Http2Wire.NO_ERROR_CODE);

  /// Whatever was sent, others are served.
  @AfterEach
  void othersAreServed() {
    assertThat(
            EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                .embed(embed(noise(1)))
                .getResults(0)
                .hasEmbedding())
        .isTrue();
    gateway.close();
  }

  @Test
  void streamsThatAreResetAsSoonAsTheyAreOpenedEndTheConnection() throws IOException {
    long before = gateway.answered();
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      flood(wire, 20_000, () -> wire.write(Http2Wire.RST_STREAM, 0, wire.open(EMBED), number(8)));

      assertThat(wire.readToTheEnd()).isIn(HAD_ENOUGH);
    }
    // Two windows at most, should the flood have met the border between them.
    assertThat(gateway.answered() - before).isLessThanOrEqualTo(2 * RESETS + 2);
    awaitNoCalls();
  }

  @Test
  void streamsThatTheServerIsMadeToResetEndTheConnectionToo() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      flood(
          wire, 20_000, () -> wire.write(Http2Wire.WINDOW_UPDATE, 0, wire.open(EMBED), number(0)));

      assertThat(wire.readToTheEnd()).isIn(HAD_ENOUGH);
    }
    awaitNoCalls();
  }

  @Test
  void clientThatNeverAcknowledgesSettingsHasNoMoreStreamsThanAnyOther() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      flood(wire, 2 * STREAMS, () -> wire.open(STREAM));
      int refused = 0;
      while (refused < STREAMS) {
        Http2Wire.Frame frame = wire.read().orElseThrow();
        refused += frame.type() == Http2Wire.RST_STREAM ? 1 : 0;
      }

      assertThat(gateway.metric("fovea.rpc.inflight")).isLessThanOrEqualTo(STREAMS);
    }
    awaitNoCalls();
  }

  @Test
  void headersWithoutAnEndEndTheConnection() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      wire.write(Http2Wire.HEADERS, 0, 1, Http2Wire.headers(EMBED));
      flood(wire, 100_000, () -> wire.write(Http2Wire.CONTINUATION, 0, 1, (byte) 0));

      wire.readToTheEnd();
    }
    awaitNoCalls();
  }

  @Test
  void pingsWithoutEndEndTheConnection() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      flood(wire, 10_000, () -> wire.write(Http2Wire.PING, 0, 0, new byte[8]));

      assertThat(wire.readToTheEnd()).isIn(HAD_ENOUGH);
    }
  }

  /// The transport takes it for a slow body; the deadline of the call ends it.
  @Test
  void emptyDataWithoutEndEndsAtTheDeadline() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      int stream = wire.open(EMBED);
      flood(wire, 100_000, () -> wire.write(Http2Wire.DATA, 0, stream));

      awaitNoCalls();
    }
  }

  @Test
  void settingsWhoseAcknowledgementsNobodyReadsEndTheConnection() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      flood(wire, 3_000_000, () -> wire.write(Http2Wire.SETTINGS, 0, 0));

      wire.readToTheEnd();
    }
  }

  @Test
  void bodiesThatComeByteByByteEndAtTheDeadlineAndKeepNobodyOut() throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      List<Integer> streams = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        streams.add(wire.open(EMBED));
      }
      for (int stream : streams) {
        wire.write(Http2Wire.DATA, 0, stream, (byte) 0);
      }
      wire.flush();

      Await.until(
          "a call beside slow ones is let in", Duration.ofSeconds(20), this::aCallIsAnswered);
      awaitNoCalls();
    }
    assertThat(gateway.metric("fovea.admission.items")).isZero();
  }

  private boolean aCallIsAnswered() {
    try {
      return EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
          .embed(embed(noise(1)))
          .getResults(0)
          .hasEmbedding();
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
      return false;
    }
  }

  @Test
  void aThousandMetadataKeysAreRefusedAndTheConnectionGoesOn() {
    Metadata headers = new Metadata();
    for (int i = 0; i < 1_000; i++) {
      headers.put(Metadata.Key.of("key-" + i, Metadata.ASCII_STRING_MARSHALLER), "value");
    }

    assertThat(
            Refusal.of(() ->
                    EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                        .embed(embed(noise(1))))
                .code())
        .isNotIn(Code.OK, Code.UNAVAILABLE);
  }

  @Test
  void messagesUpToTheLimitAreReadAndLargerOnesRefused() {
    assertThat(send(messageOf(MAX_MESSAGE_BYTES - 1), CallOptions.DEFAULT)).isEqualTo(Code.OK);
    assertThat(send(messageOf(MAX_MESSAGE_BYTES), CallOptions.DEFAULT)).isEqualTo(Code.OK);
    assertThat(send(messageOf(MAX_MESSAGE_BYTES + 1), CallOptions.DEFAULT))
        .isEqualTo(Code.RESOURCE_EXHAUSTED);
  }

  @Test
  void messageThatIsSmallOnlyWhileItIsCompressedIsRefused() {
    assertThat(send(messageOf(200 << 20), CallOptions.DEFAULT.withCompression("gzip")))
        .isEqualTo(Code.RESOURCE_EXHAUSTED);
  }

  /// Bytes that no client of ours would send: each is answered or refused, none is our fault.
  @Test
  void mangledRequestsAreTheClientsFault() {
    Map<Code, Integer> codes = MangledRequests.send(gateway.channel(), 2_000, 13);

    assertThat(codes.keySet()).isSubsetOf(MangledRequests.EXPECTED);
    assertThat(codes).containsKey(Code.INVALID_ARGUMENT);
  }

  @Test
  void namesThatClientsMakeUpAreNoNewSeriesOfMetricsAndNoNewLinesOfAnything() {
    callUnknownModel("first");
    callUnknownModel("a\nline");
    int meters = gateway.meters();

    for (int i = 0; i < 500; i++) {
      callUnknownModel("made-up-" + i);
    }
    String message = callUnknownModel("a\nline\u001b[31m");

    assertThat(gateway.meters()).isEqualTo(meters);
    assertThat(message).doesNotContain("\n", "\u001b");
  }

  private String callUnknownModel(String name) {
    return Refusal.of(() ->
            ModelServiceGrpc.newBlockingStub(gateway.channel())
                .getModel(GetModelRequest.newBuilder().setModel(name).build()))
        .message();
  }

  /// A message of exactly so many bytes, most of them of an item's name.
  private static byte[] messageOf(int bytes) {
    EmbedRequest empty = embed(noise(1));
    int rest = bytes - empty.getSerializedSize();
    for (int length = rest - 12; ; length++) {
      EmbedRequest padded =
          empty.toBuilder().setItems(0, noise(1).toBuilder().setId("x".repeat(length))).build();
      if (padded.getSerializedSize() == bytes) {
        return padded.toByteArray();
      }
    }
  }

  private Code send(byte[] message, CallOptions options) {
    MethodDescriptor<byte[], EmbedResponse> method =
        EmbeddingServiceGrpc.getEmbedMethod().toBuilder(
                new Bytes(), EmbeddingServiceGrpc.getEmbedMethod().getResponseMarshaller())
            .build();
    try {
      EmbedResponse _ = ClientCalls.blockingUnaryCall(gateway.channel(), method, options, message);
      return Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private void awaitNoCalls() {
    Await.until(
        "no call is under way",
        Duration.ofSeconds(60),
        () -> gateway.metric("fovea.rpc.inflight") == 0);
  }

  /// Sends again and again, until the server has had enough.
  private static void flood(Http2Wire wire, int times, Sending sending) throws IOException {
    try {
      for (int i = 0; i < times; i++) {
        sending.send();
      }
      wire.flush();
    } catch (SocketException _) {
      // The server has closed the connection.
    }
  }

  @FunctionalInterface
  private interface Sending {
    void send() throws IOException;
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
