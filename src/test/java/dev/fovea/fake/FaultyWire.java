package dev.fovea.fake;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// A way to a server that goes wrong on demand: bytes are lost, dripped or cut off. Once bytes of a
/// connection were lost it stays dead, as one through a broken network does.
public final class FaultyWire implements AutoCloseable {
  private enum Mode {
    SOUND,
    SILENT,
    DRIPPING
  }

  private final ServerSocket listening;
  private final int target;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final AtomicLong bytesUntilReset = new AtomicLong(Long.MAX_VALUE);
  private volatile Mode mode = Mode.SOUND;

  private FaultyWire(ServerSocket listening, int target) {
    this.listening = listening;
    this.target = target;
  }

  /// A way to a port of this machine.
  public static FaultyWire to(int port) {
    try {
      FaultyWire wire =
          new FaultyWire(new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1")), port);
      Thread.startVirtualThread(wire::accept);
      return wire;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String address() {
    return "127.0.0.1:" + listening.getLocalPort();
  }

  /// What is sent from now on arrives.
  public void heal() {
    mode = Mode.SOUND;
    bytesUntilReset.set(Long.MAX_VALUE);
  }

  /// What is sent from now on, either way, is lost; connections are taken all the same.
  public void silence() {
    mode = Mode.SILENT;
  }

  /// What the server sends from now on arrives at twenty bytes a second.
  public void drip() {
    mode = Mode.DRIPPING;
  }

  /// Resets the connection on which the server has sent so many more bytes in all.
  public void resetAfter(long bytes) {
    bytesUntilReset.set(bytes);
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        Socket server = new Socket("127.0.0.1", target);
        sockets.addAll(List.of(client, server));
        Thread.startVirtualThread(() -> pump(client, server, false));
        Thread.startVirtualThread(() -> pump(server, client, true));
      } catch (IOException _) {
        // The server is not there, or the wire is closed: the client sees its connection end.
      }
    }
  }

  private void pump(Socket from, Socket to, boolean fromServer) {
    boolean dead = false;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        dead = dead || mode == Mode.SILENT;
        if (dead) {
          continue;
        }
        if (fromServer && bytesUntilReset.addAndGet(-read) < 0) {
          to.setSoLinger(true, 0);
          return;
        }
        write(buffer, read, out, fromServer);
      }
    } catch (IOException _) {
      // Either side has gone: both are closed.
    }
  }

  private void write(byte[] buffer, int length, OutputStream out, boolean fromServer)
      throws IOException {
    int at = 0;
    while (fromServer && mode == Mode.DRIPPING && at < length) {
      out.write(buffer[at++]);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
    out.write(buffer, at, length - at);
  }

  @Override
  public void close() {
    try {
      listening.close();
      for (Socket socket : sockets) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
