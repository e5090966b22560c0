package dev.fovea.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// From the launcher to the ready line, and what the server holds of memory once it is idle.
final class StartBench {
  private static final int STARTS = 7;
  private static final long IDLE_SECONDS = 45;
  private static final Pattern READY = Pattern.compile("Fovea is ready in ([0-9.]+) s.*");
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+([0-9]+) kB");

  private StartBench() {}

  static void run() throws IOException, InterruptedException {
    double[] outside = new double[STARTS];
    double[] inside = new double[STARTS];
    for (int i = 0; i < STARTS; i++) {
      long start = System.nanoTime();
      Process server = serve();
      try {
        inside[i] = awaitReady(server);
        outside[i] = (System.nanoTime() - start) / 1e9;
        if (i == STARTS - 1) {
          System.out.printf("idle memory: %s%n", residentWhenIdle(server));
        }
      } finally {
        server.destroy();
        server.waitFor();
      }
    }
    System.out.printf(
        "start to ready: %s s from the launcher, %s s as the ready line says, %d starts%n",
        Bench.quartiles(outside, "%.2f"), Bench.quartiles(inside, "%.2f"), STARTS);
  }

  private static Process serve() throws IOException {
    return new ProcessBuilder("./fovea", "serve", "--port", "0", "--http-port", "0")
        .redirectErrorStream(true)
        .start();
  }

  private static double awaitReady(Process server) throws IOException {
    BufferedReader lines = server.inputReader(StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Matcher ready = READY.matcher(line);
      if (ready.matches()) {
        return Double.parseDouble(ready.group(1));
      }
      System.err.println(line);
    }
    throw new IOException("the server ended before it was ready");
  }

  /// After the JVM has had time to give back what it does not use; from `/proc`, where there is
  /// one.
  private static String residentWhenIdle(Process server) throws IOException, InterruptedException {
    if (server.waitFor(IDLE_SECONDS, TimeUnit.SECONDS)) {
      throw new IOException("the server ended while it was idle");
    }
    Path status = Path.of("/proc/" + server.pid() + "/status");
    if (!Files.exists(status)) {
      return "unknown: this system has no /proc";
    }
    Matcher resident = RESIDENT.matcher(Files.readString(status));
    return resident.find()
        ? "%.0f MB resident after %d s"
            .formatted(Long.parseLong(resident.group(1)) * 1024 / 1e6, IDLE_SECONDS)
        : "unknown";
  }
}
