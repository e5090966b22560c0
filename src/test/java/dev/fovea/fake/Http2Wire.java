package dev.fovea.fake;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// A client that speaks HTTP/2 frame by frame and keeps to nothing: what a hostile one would send.
public final class Http2Wire implements AutoCloseable {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GOAWAY = 7;
  public static final int WINDOW_UPDATE = 8;
  public static final int CONTINUATION = 9;

  public static final int END_HEADERS = 4;
  public static final int ACK = 1;

  /// The error code of a server that has had enough.
  public static final int ENHANCE_YOUR_CALM = 11;

  /// There was no GOAWAY.
  public static final int NO_ERROR_CODE = -1;

  private final Socket socket;
  private final OutputStream out;
  private final DataInputStream in;
  private int streams;

  /// A frame as it came.
  public record Frame(int type, int flags, int stream, byte[] payload) {}

  /// Connects and sends the preface with settings of `payload`; those of the server are not
  /// acknowledged.
  public Http2Wire(int port, byte... payload) throws IOException {
    this.socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(30_000);
    this.out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
    this.in = new DataInputStream(socket.getInputStream());
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    write(SETTINGS, 0, 0, payload);
  }

  public void write(int type, int flags, int stream, byte... payload) throws IOException {
    ByteBuffer head = ByteBuffer.allocate(9);
    head.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    head.put((byte) type).put((byte) flags).putInt(stream);
    out.write(head.array());
    out.write(payload);
  }

  public void flush() throws IOException {
    out.flush();
  }

  /// Opens a stream for a call of that method; its headers alone are sent.
  public int open(String method, String... more) throws IOException {
    int stream = 2 * streams++ + 1;
    write(HEADERS, END_HEADERS, stream, headers(method, more));
    return stream;
  }

  public static byte[] headers(String method, String... more) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    header(block, ":method", "POST");
    header(block, ":scheme", "http");
    header(block, ":path", "/" + method);
    header(block, ":authority", "localhost");
    header(block, "content-type", "application/grpc");
    header(block, "te", "trailers");
    for (int i = 0; i < more.length; i += 2) {
      header(block, more[i], more[i + 1]);
    }
    return block.toByteArray();
  }

  /// A literal that is not indexed, without Huffman coding.
  private static void header(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    for (String text : new String[] {name, value}) {
      block.write(text.length());
      block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    }
  }

  public static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  /// The next frame; empty when the server has closed the connection.
  public Optional<Frame> read() throws IOException {
    try {
      int length = in.readUnsignedShort() << 8 | in.readUnsignedByte();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      return Optional.of(new Frame(type, flags, stream, in.readNBytes(length)));
    } catch (EOFException | SocketException _) {
      return Optional.empty();
    }
  }

  /// Reads until the server closes the connection.
  ///
  /// @return the error code of its last GOAWAY; -1 when it sent none
  public int readToTheEnd() throws IOException {
    int code = NO_ERROR_CODE;
    for (Optional<Frame> frame = read(); frame.isPresent(); frame = read()) {
      if (frame.get().type() == GOAWAY) {
        code = ByteBuffer.wrap(frame.get().payload()).getInt(4);
      }
    }
    return code;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
