package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.batch.BatchingEngine;
import dev.fovea.batch.Simulation;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The server that [LoadBench] asks: in a process of its own, with an engine that takes its time.
final class LoadServer implements AutoCloseable {
  private static final int SLOWER = 20;
  private static final String DECODED = "decoded";

  private final Process process;
  private final BufferedReader answers;
  private final PrintWriter questions;
  private final int port;

  private LoadServer(Process process) throws IOException {
    this.process = process;
    this.answers = process.inputReader(StandardCharsets.UTF_8);
    this.questions = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
    this.port = (int) number("port");
  }

  /// How long the engine takes for a batch.
  static long nanos(int size) {
    return SLOWER * Simulation.gpu(size);
  }

  static LoadServer start() throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
            "-cp",
            System.getProperty("java.class.path"),
            Bench.class.getName(),
            "load",
            "server");
    return new LoadServer(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start());
  }

  /// The other side: serves until its input ends.
  static void serve() throws IOException {
    try (TestGateway gateway =
            TestGateway.start(
                Map.of(
                    "fovea.repository",
                    oneInstance(TestGateway.ENCODERS).toString(),
                    "fovea.call.trust-caller-header",
                    "true"),
                clock ->
                    new BatchingEngine(new ScriptedEngine(new Slow(), clock, 4096), clock, 256));
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      System.out.println("port " + gateway.port());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        System.out.println(
            DECODED + " " + gateway.count("fovea.stage.duration", "stage", "decode"));
      }
    }
  }

  ManagedChannel newChannel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  /// Images decoded so far.
  long decoded() throws IOException {
    questions.println(DECODED);
    return number(DECODED);
  }

  private long number(String name) throws IOException {
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(name + " ")) {
        return Long.parseLong(line.substring(name.length() + 1));
      }
    }
    throw new IllegalStateException("the server has ended");
  }

  @Override
  public void close() {
    questions.close();
    process.destroy();
  }

  /// A copy of a repository in which every model has one instance.
  private static Path oneInstance(Path from) throws IOException {
    Path to = Files.createTempDirectory("fovea-load");
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(folder)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path copy = to.resolve(from.relativize(file));
            Files.copy(file, copy);
            if (file.endsWith("config.pbtxt")) {
              Files.writeString(copy, Files.readString(copy).replaceAll("count: \\d+", "count: 1"));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return to;
  }

  /// An engine that takes its time.
  private static final class Slow extends UnitVectors {
    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      return Duration.ofNanos(nanos(batch.size()));
    }
  }
}
