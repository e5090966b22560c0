package dev.fovea.fake;

import static org.assertj.core.api.Assertions.assertThat;

import inference.GRPCInferenceServiceGrpc;
import inference.ServerReadyRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A real Triton on loopback (`src/test/triton/triton.sh`), with the shipped models and those of
/// the tests. Its output is in `target/triton-N.log`.
public final class RealTriton implements AutoCloseable {
  private static final String SCRIPT = "src/test/triton/triton.sh";
  private static final List<Path> REPOSITORIES =
      List.of(Path.of("model-repository"), Path.of("src/test/triton/models"));
  private static final int ATTEMPTS = 3;
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final List<String> command;
  private final int port;
  private Process process;

  private RealTriton(List<String> command, int port) {
    this.command = command;
    this.port = port;
  }

  /// One that all tests share, started by the first and ended with the JVM.
  private static final class Shared {
    private static final RealTriton SERVER = start();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(SERVER::close));
    }
  }

  /// A server for tests that only ask it. Skips the test where there can be none.
  public static RealTriton shared() {
    requireEnvironment();
    return Shared.SERVER;
  }

  /// A server of the test's own, with more options than the usual ones. Skips the test where there
  /// can be none.
  public static RealTriton start(String... options) {
    return start(REPOSITORIES, options);
  }

  /// A server with other models.
  public static RealTriton start(List<Path> repositories, String... options) {
    requireEnvironment();
    int port = freePort();
    List<String> command = new ArrayList<>(List.of(SCRIPT, "--port", String.valueOf(port)));
    for (Path repository : repositories) {
      command.addAll(List.of("--repository", repository.toString()));
    }
    command.addAll(List.of("--", "--allow-http=false", "--allow-metrics=false"));
    command.addAll(List.of(options));
    RealTriton triton = new RealTriton(command, port);
    triton.restart();
    return triton;
  }

  private static final class Environment {
    private static final Optional<String> MISSING = make();

    private static Optional<String> make() {
      try {
        Process process = new ProcessBuilder(SCRIPT, "--make").redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? Optional.empty() : Optional.of(output.strip());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /// The Python environment of the server; skips the test where there can be none.
  public static void requireEnvironment() {
    Tools.require(
        Environment.MISSING.isPresent() ? Optional.empty() : Optional.of(SCRIPT),
        "no real Triton: " + Environment.MISSING.orElse(""));
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Starts the server, once more after its end, on the same port; waits until it is ready. On a
  /// busy machine the server's own back end for Python now and then dies while it starts
  /// (`boost::interprocess::lock_exception`): then it is started again, twice at most.
  public void restart() {
    for (int attempt = 1; !start(attempt); attempt++) {
      process.destroyForcibly();
    }
  }

  private boolean start(int attempt) {
    Path log = Path.of("target/triton-" + NUMBER.incrementAndGet() + ".log");
    try {
      Files.createDirectories(log.getParent());
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return awaitReady(log, attempt);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// @return false when the server ended and may be started again
  private boolean awaitReady(Path log, int attempt) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    try {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
      while (!isReady(channel)) {
        if (!process.isAlive() && attempt < ATTEMPTS) {
          return false;
        }
        assertThat(process.isAlive()).as("Triton ended; see " + log).isTrue();
        assertThat(System.nanoTime()).as("Triton is not ready; see " + log).isLessThan(end);
      }
      return true;
    } finally {
      channel.shutdownNow();
    }
  }

  private static boolean isReady(ManagedChannel channel) {
    try {
      channel.resetConnectBackoff();
      return GRPCInferenceServiceGrpc.newBlockingStub(channel)
          .withWaitForReady()
          .withDeadlineAfter(200, TimeUnit.MILLISECONDS)
          .serverReady(ServerReadyRequest.getDefaultInstance())
          .getReady();
    } catch (StatusRuntimeException _) {
      return false;
    }
  }

  public long pid() {
    return process.pid();
  }

  public int port() {
    return port;
  }

  /// Where it is, as the settings name it.
  public String address() {
    return "127.0.0.1:" + port;
  }

  /// Sends the process a signal: `STOP`, `CONT`, `KILL`.
  public void signal(String name) {
    try {
      Process kill = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start();
      assertThat(kill.waitFor()).isZero();
      if (name.equals("KILL")) {
        process.waitFor();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException _) {
      process.destroyForcibly();
    }
  }
}
