package dev.fovea.bench;

import com.google.common.base.Splitter;
import com.sun.management.OperatingSystemMXBean;
import dev.fovea.app.TestGateway;
import dev.fovea.batch.BatchingEngine;
import dev.fovea.batch.Simulation;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/// The server that [LoadBench] asks: in a process of its own, with an engine that takes its time.
final class LoadServer implements AutoCloseable {
  private static final int SLOWER = 20;
  private static final String PORT = "port";
  private static final String FIGURES = "figures";
  private static final OperatingSystemMXBean SYSTEM =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  private final Process process;
  private final BufferedReader answers;
  private final PrintWriter questions;
  private final int port;

  private LoadServer(Process process) throws IOException {
    this.process = process;
    this.answers = process.inputReader(StandardCharsets.UTF_8);
    this.questions = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
    this.port = Integer.parseInt(answer(PORT));
  }

  /// How long the engine takes for a batch.
  static long nanos(int size) {
    return SLOWER * Simulation.gpu(size);
  }

  /// What a server counts from its start.
  ///
  /// @param decoded images
  /// @param cpuNanos time of processors
  record Figures(long decoded, long cpuNanos) {
    Figures since(Figures before) {
      return new Figures(decoded - before.decoded, cpuNanos - before.cpuNanos);
    }
  }

  /// Time of processors that this process has taken.
  static long cpuNanos() {
    return SYSTEM.getProcessCpuTime();
  }

  /// @param kind `server`, or `floor` for a [RefusingServer]
  static LoadServer start(String kind) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // As the launcher starts a server.
    String options = System.getenv("FOVEA_JAVA_OPTIONS");
    if (options != null) {
      command.addAll(Splitter.on(' ').omitEmptyStrings().splitToList(options));
    }
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xms32m",
            "-XX:GCTimeRatio=99",
            "-XX:G1PeriodicGCInterval=30000",
            "-XX:TrimNativeHeapInterval=10000",
            "-Djdk.virtualThreadScheduler.parallelism="
                + (Runtime.getRuntime().availableProcessors() + 3),
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
            "-cp",
            System.getProperty("java.class.path"),
            Bench.class.getName(),
            "load",
            kind));
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
            clock -> new BatchingEngine(new ScriptedEngine(new Slow(), clock, 4096), clock, 256))) {
      answerQuestions(
          gateway.port(), () -> gateway.count("fovea.stage.duration", "stage", "decode"));
    }
  }

  /// Says where the server listens, and how much it has done whenever it is asked.
  static void answerQuestions(int port, LongSupplier decoded) throws IOException {
    System.out.println(PORT + " " + port);
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      while (in.readLine() != null) {
        System.out.println(FIGURES + " " + decoded.getAsLong() + " " + cpuNanos());
      }
    }
  }

  int port() {
    return port;
  }

  Figures figures() throws IOException {
    questions.println();
    List<String> numbers = Splitter.on(' ').splitToList(answer(FIGURES));
    return new Figures(Long.parseLong(numbers.get(0)), Long.parseLong(numbers.get(1)));
  }

  private String answer(String name) throws IOException {
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(name + " ")) {
        return line.substring(name.length() + 1);
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
