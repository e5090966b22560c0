package dev.fovea.app;

import static dev.fovea.fake.Http2Wire.ACK;
import static dev.fovea.fake.Http2Wire.CONTINUATION;
import static dev.fovea.fake.Http2Wire.DATA;
import static dev.fovea.fake.Http2Wire.END_HEADERS;
import static dev.fovea.fake.Http2Wire.GOAWAY;
import static dev.fovea.fake.Http2Wire.HEADERS;
import static dev.fovea.fake.Http2Wire.PING;
import static dev.fovea.fake.Http2Wire.RST_STREAM;
import static dev.fovea.fake.Http2Wire.SETTINGS;
import static dev.fovea.fake.Http2Wire.WINDOW_UPDATE;
import static dev.fovea.fake.Http2Wire.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Http2Wire;
import dev.fovea.fake.UnitVectors;
import dev.fovea.v1.EmbeddingServiceGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What RFC 9113 says a server must do about frames that break its rules: the cases that h2spec
/// tries of framing, stream states, settings, flow control and header compression. Each has a
/// connection of its own; when it is over, the server serves the next. Not among them is what the
/// transport is lenient about on purpose or by its nature: numbers of streams that fall, and calls
/// without `:method`, `:scheme` or `:path`, which are refused as calls.
@Timeout(60)
final class Http2RulesTest {
  private static final String EMBED = EmbeddingServiceGrpc.getEmbedMethod().getFullMethodName();

  private static final int PROTOCOL_ERROR = 1;

  private static final int FLOW_CONTROL_ERROR = 3;
  private static final int STREAM_CLOSED = 5;
  private static final int FRAME_SIZE_ERROR = 6;
  private static final int COMPRESSION_ERROR = 9;

  private static final int PRIORITY = 2;
  private static final int PUSH_PROMISE = 5;
  private static final int UNKNOWN = 0x2a;
  private static final int END_STREAM = 1;

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

  @FunctionalInterface
  private interface Sending {
    void send(Http2Wire wire) throws IOException;
  }

  private static Arguments of(String what, int code, Sending sending) {
    return Arguments.of(what, code, sending);
  }

  static Stream<Arguments> faultsOfTheConnection() {
    return Stream.of(
        of("DATA on no stream", PROTOCOL_ERROR, w -> w.write(DATA, 0, 0, (byte) 0)),
        of("HEADERS on no stream", PROTOCOL_ERROR, w -> headers(w, 0)),
        of("a stream of the server's numbers", PROTOCOL_ERROR, w -> headers(w, 2)),
        of("DATA on an idle stream", PROTOCOL_ERROR, w -> w.write(DATA, 0, 1, (byte) 0)),
        of("a reset of an idle stream", PROTOCOL_ERROR, w -> w.write(RST_STREAM, 0, 1, number(8))),
        of("a window for an idle stream", PROTOCOL_ERROR, w -> w.write(WINDOW_UPDATE, 0, 1, one())),
        of("a promise by the client", PROTOCOL_ERROR, w -> w.write(PUSH_PROMISE, 4, 1, number(2))),
        of(
            "CONTINUATION without HEADERS",
            PROTOCOL_ERROR,
            w -> w.write(CONTINUATION, END_HEADERS, 1, Http2Wire.headers(EMBED))),
        of(
            "another frame within HEADERS",
            PROTOCOL_ERROR,
            w -> {
              w.write(HEADERS, 0, 1, Http2Wire.headers(EMBED));
              w.write(PING, 0, 0, new byte[8]);
            }),
        of(
            "CONTINUATION of another stream",
            PROTOCOL_ERROR,
            w -> {
              w.write(HEADERS, 0, 1, Http2Wire.headers(EMBED));
              w.write(CONTINUATION, END_HEADERS, 3);
            }),
        of(
            "a larger frame than is allowed",
            FRAME_SIZE_ERROR,
            w -> {
              headers(w, 1);
              w.write(DATA, 0, 1, new byte[16_385]);
            }),
        of("a short PING", FRAME_SIZE_ERROR, w -> w.write(PING, 0, 0, new byte[6])),
        of("a PING on a stream", PROTOCOL_ERROR, w -> w.write(PING, 0, 1, new byte[8])),
        of("a setting cut off", FRAME_SIZE_ERROR, w -> w.write(SETTINGS, 0, 0, new byte[5])),
        of("settings of a stream", PROTOCOL_ERROR, w -> w.write(SETTINGS, 0, 1)),
        of(
            "a reply to settings that says something",
            FRAME_SIZE_ERROR,
            w -> {
              w.write(SETTINGS, ACK, 0, setting(1, 0));
            }),
        of("ENABLE_PUSH of 2", PROTOCOL_ERROR, w -> w.write(SETTINGS, 0, 0, setting(2, 2))),
        of(
            "a window of 2^31",
            FLOW_CONTROL_ERROR,
            w -> w.write(SETTINGS, 0, 0, setting(4, Integer.MIN_VALUE))),
        of("frames of 16,383", PROTOCOL_ERROR, w -> w.write(SETTINGS, 0, 0, setting(5, 16_383))),
        of("frames of 2^24", PROTOCOL_ERROR, w -> w.write(SETTINGS, 0, 0, setting(5, 1 << 24))),
        of(
            "a window that grows by nothing",
            PROTOCOL_ERROR,
            w -> w.write(WINDOW_UPDATE, 0, 0, number(0))),
        of(
            "a window that grows beyond 2^31 - 1",
            FLOW_CONTROL_ERROR,
            w -> w.write(WINDOW_UPDATE, 0, 0, number(Integer.MAX_VALUE))),
        of(
            "a window update cut off",
            FRAME_SIZE_ERROR,
            w -> w.write(WINDOW_UPDATE, 0, 0, (byte) 0)),
        of(
            "a reset cut off",
            FRAME_SIZE_ERROR,
            w -> {
              headers(w, 1);
              w.write(RST_STREAM, 0, 1, new byte[3]);
            }),
        of("a reset of no stream", PROTOCOL_ERROR, w -> w.write(RST_STREAM, 0, 0, number(8))),
        of("a priority of no stream", PROTOCOL_ERROR, w -> w.write(PRIORITY, 0, 0, new byte[5])),
        of("GOAWAY of a stream", PROTOCOL_ERROR, w -> w.write(GOAWAY, 0, 1, new byte[8])),
        of(
            "an index that no table has",
            COMPRESSION_ERROR,
            w -> w.write(HEADERS, END_HEADERS, 1, (byte) 0xff, (byte) 0x7f)),
        of(
            "a header cut off",
            COMPRESSION_ERROR,
            w -> w.write(HEADERS, END_HEADERS, 1, (byte) 0, (byte) 9, (byte) 'a')),
        of(
            "more padding than frame",
            PROTOCOL_ERROR,
            w -> w.write(HEADERS, END_HEADERS | 8, 1, (byte) 9, (byte) 0x83)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void faultsOfTheConnection(String what, int code, Sending sending) throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      sending.send(wire);
      wire.flush();

      assertThat(wire.readToTheEnd()).as(what).isEqualTo(code);
    }
  }

  static Stream<Arguments> faultsOfAStream() {
    return Stream.of(
        of(
            "DATA after the end",
            STREAM_CLOSED,
            w -> {
              w.write(HEADERS, END_HEADERS | END_STREAM, 1, Http2Wire.headers(EMBED));
              w.write(DATA, 0, 1, new byte[5]);
            }),
        of(
            "a window that grows by nothing",
            PROTOCOL_ERROR,
            w -> {
              headers(w, 1);
              w.write(WINDOW_UPDATE, 0, 1, number(0));
            }),
        of(
            "a window that grows beyond 2^31 - 1",
            FLOW_CONTROL_ERROR,
            w -> {
              headers(w, 1);
              w.write(WINDOW_UPDATE, 0, 1, number(Integer.MAX_VALUE));
            }),
        of(
            "a header in capitals",
            PROTOCOL_ERROR,
            w -> {
              w.open(EMBED, "Capital", "x");
            }),
        of(
            "a header of HTTP/1 connections",
            PROTOCOL_ERROR,
            w -> {
              w.open(EMBED, "connection", "close");
            }),
        of(
            "a pseudo-header that is none",
            PROTOCOL_ERROR,
            w -> {
              w.open(EMBED, ":made-up", "x");
            }),
        of(
            "a pseudo-header after the others",
            PROTOCOL_ERROR,
            w -> {
              w.open(EMBED, ":path", "/again");
            }));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void faultsOfAStream(String what, int code, Sending sending) throws IOException {
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      sending.send(wire);
      wire.flush();

      assertThat(codeOf(wire, RST_STREAM, GOAWAY)).as(what).isEqualTo(code);
    }
  }

  @Test
  void bytesThatAreNoPrefaceEndTheConnection() throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
      socket.setSoTimeout(30_000);
      socket
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));

      // However many frames it says goodbye with: it ends.
      assertThat(socket.getInputStream().readAllBytes().length).isLessThan(1000);
    } catch (SocketException _) {
      // A reset is an end, too.
    }
  }

  @Test
  void framesThatNobodyKnowsAreReadOverAndPingsAnswered() throws IOException {
    byte[] data = {1, 2, 3, 4, 5, 6, 7, 8};
    try (Http2Wire wire = new Http2Wire(gateway.port())) {
      wire.write(UNKNOWN, 0xff, 0, new byte[16]);
      wire.write(SETTINGS, 0, 0, setting(0x0f0f, 5));
      wire.write(PING, ACK, 0, new byte[8]);
      wire.write(PING, 0, 0, data);
      wire.flush();

      Http2Wire.Frame answer = next(wire, PING);
      assertThat(answer.flags()).isEqualTo(ACK);
      assertThat(answer.payload()).isEqualTo(data);
    }
  }

  private static void headers(Http2Wire wire, int stream) throws IOException {
    wire.write(HEADERS, END_HEADERS, stream, Http2Wire.headers(EMBED));
  }

  private static byte[] one() {
    return number(1);
  }

  private static byte[] setting(int name, int value) {
    return ByteBuffer.allocate(6).putShort((short) name).putInt(value).array();
  }

  private static Http2Wire.Frame next(Http2Wire wire, int type) throws IOException {
    while (true) {
      Http2Wire.Frame frame = wire.read().orElseThrow();
      if (frame.type() == type) {
        return frame;
      }
    }
  }

  /// The code of the first frame that says what was wrong; -1 when the connection ends without.
  private static int codeOf(Http2Wire wire, int reset, int goAway) throws IOException {
    for (Optional<Http2Wire.Frame> frame = wire.read(); frame.isPresent(); frame = wire.read()) {
      int type = frame.get().type();
      if (type == reset || type == goAway) {
        return ByteBuffer.wrap(frame.get().payload()).getInt(type == reset ? 0 : 4);
      }
    }
    return Http2Wire.NO_ERROR_CODE;
  }
}
