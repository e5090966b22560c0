package dev.fovea.bench;

import dev.fovea.app.PassThrough;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.triton.RawProxy;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/// A process beside the one that measures, and the port that it listens on.
record BridgeProcess(Process process, int port) implements AutoCloseable {
  /// What a Triton that is measured serves.
  static final List<Path> REPOSITORIES =
      List.of(Path.of("model-repository"), Path.of("src/test/triton/bench"));

  private static final String PASS_THROUGH = "pass-through";
  private static final String GATEWAY = "gateway";
  private static final String FLOOR = "floor";

  /// What such a process does, when it is one.
  ///
  /// @return false when the arguments are those of the process that measures
  static boolean serve(String... arguments) throws Exception {
    switch (arguments.length == 0 ? "" : arguments[0]) {
      case PASS_THROUGH ->
          PassThrough.serve(
              arguments[1],
              Arrays.stream(arguments, 2, arguments.length).map(BridgeProcess::model).toList());
      case GATEWAY -> {
        try (TestGateway gateway =
            TestGateway.start(
                Map.of("fovea.triton.servers", arguments[1], "fovea.triton.open-wait", "60s"))) {
          System.out.println("port " + gateway.port());
          while (System.in.read() >= 0) {
            Thread.onSpinWait();
          }
        }
      }
      case FLOOR -> RawProxy.serve("127.0.0.1", Integer.parseInt(arguments[1]));
      default -> {
        return false;
      }
    }
    return true;
  }

  /// The shipped vision model.
  static ServableModel vision() {
    return ModelRepository.read(TestGateway.SHIPPED_REPOSITORY, "bench")
        .families()
        .get("pico")
        .member(Role.VISION)
        .orElseThrow();
  }

  private static ServableModel model(String name) {
    return switch (name) {
      case "pixels" -> ZeroCostServer.model();
      case "swallow" -> BridgeMemoryBench.swallow();
      default -> vision();
    };
  }

  /// The pass-through of some models.
  static BridgeProcess passThrough(int server, String... models) throws IOException {
    return java(
        Stream.concat(Stream.of(PASS_THROUGH, "127.0.0.1:" + server), Arrays.stream(models))
            .toArray(String[]::new));
  }

  /// What forwards bytes with the same transport and does nothing else.
  static BridgeProcess floor(int server) throws IOException {
    return java(FLOOR, String.valueOf(server));
  }

  /// The whole gateway.
  static BridgeProcess gateway(int server) throws IOException {
    return java(GATEWAY, "127.0.0.1:" + server);
  }

  private static BridgeProcess java(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                // As the launcher starts a server.
                "-Xms32m"));
    String options = System.getenv("FOVEA_JAVA_OPTIONS");
    if (options != null && !options.isBlank()) {
      command.addAll(List.of(options.strip().split("\\s+", -1)));
    }
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), Bench.class.getName(), "bridge"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith("port ")) {
        return new BridgeProcess(process, Integer.parseInt(line.substring(5)));
      }
    }
    throw new IllegalStateException(arguments[0] + " did not start");
  }

  /// nginx with `grpc_pass`; none where it is missing or does not start.
  static Optional<BridgeProcess> nginx(int server) throws IOException {
    Path folder = Files.createTempDirectory("fovea-nginx");
    int port = freePort();
    Path configuration =
        Files.writeString(folder.resolve("nginx.conf"), configuration(folder, port, server));
    try {
      Process process =
          new ProcessBuilder("nginx", "-p", folder.toString(), "-c", configuration.toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("nginx.log").toFile())
              .start();
      return listens(process, port)
          ? Optional.of(new BridgeProcess(process, port))
          : Optional.empty();
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  private static boolean listens(Process process, int port) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (process.isAlive() && System.nanoTime() < end) {
      try (Socket _ = new Socket("127.0.0.1", port)) {
        return true;
      } catch (IOException _) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
    return false;
  }

  /// As one tunes it for this work: kept connections, bodies in memory, no log.
  private static String configuration(Path folder, int port, int server) {
    return """
    daemon off;
    worker_processes 2;
    pid %1$s/nginx.pid;
    error_log %1$s/error.log crit;
    events { worker_connections 256; }
    http {
      access_log off;
      client_max_body_size 0;
      client_body_buffer_size 2m;
      client_body_temp_path %1$s/body;
      proxy_temp_path %1$s/proxy;
      fastcgi_temp_path %1$s/fastcgi;
      uwsgi_temp_path %1$s/uwsgi;
      scgi_temp_path %1$s/scgi;
      keepalive_requests 10000000;
      upstream server { server 127.0.0.1:%3$d; keepalive 16; keepalive_requests 10000000; }
      server {
        listen 127.0.0.1:%2$d http2;
        http2_body_preread_size 1m;
        http2_chunk_size 64k;
        location / { grpc_pass grpc://server; grpc_buffer_size 64k; }
      }
    }
    """
        .formatted(folder, port, server);
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /// Time that processors have spent on it and its children: unlike time that passes, it says
  /// something on a machine that others use.
  long cpuNanos() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .mapToLong(each -> each.info().totalCpuDuration().map(Duration::toNanos).orElse(0L))
        .sum();
  }

  @Override
  public void close() {
    process.destroy();
  }
}
