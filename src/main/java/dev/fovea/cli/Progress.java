package dev.fovea.cli;

import io.grpc.Status.Code;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// How far a job is: told while it runs, once in a while, and at its end.
final class Progress {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final PrintWriter out;
  private final long start = System.nanoTime();
  private long lastTold = start;
  private boolean connected;
  private long total;
  private long doneBefore;
  private long embedded;
  private long refused;

  Progress(PrintWriter out) {
    this.out = out;
  }

  synchronized void begin(long total) {
    this.total = total;
  }

  /// Images that an earlier run has done.
  synchronized void wasDone(long images) {
    doneBefore += images;
  }

  synchronized void connected() {
    connected = true;
  }

  /// Whether there was ever a server.
  synchronized boolean hasConnected() {
    return connected;
  }

  synchronized void embedded() {
    embedded++;
    tellOnceInAWhile();
  }

  synchronized void refused() {
    refused++;
    tellOnceInAWhile();
  }

  synchronized void interrupted(Code code) {
    out.println("the stream ended with " + code + "; going on");
  }

  private void tellOnceInAWhile() {
    long now = System.nanoTime();
    if (now - lastTold < INTERVAL_NANOS) {
      return;
    }
    lastTold = now;
    long left = total - doneBefore - embedded - refused;
    out.println(
        String.format(
            Locale.ROOT,
            "%,d of %,d images, %,d refused, %.1f images/s, %s left",
            total - left,
            total,
            refused,
            rate(),
            time((long) (left / rate()))));
  }

  private double rate() {
    return (embedded + refused) / ((System.nanoTime() - start) / 1e9);
  }

  private static String time(long seconds) {
    Duration time = Duration.ofSeconds(seconds);
    return time.toHours() > 0
        ? "%d h %d min".formatted(time.toHours(), time.toMinutesPart())
        : "%d min %d s".formatted(time.toMinutes(), time.toSecondsPart());
  }

  /// Images of the whole job.
  synchronized long total() {
    return total;
  }

  /// Images that this run has found wanting.
  synchronized long refusals() {
    return refused;
  }

  /// The end of it in one line.
  synchronized String summary() {
    return String.format(
        Locale.ROOT,
        "%,d images: %,d embedded, %,d refused, %,d done before; %s, %.1f images/s",
        total,
        embedded,
        refused,
        doneBefore,
        time(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)),
        embedded + refused == 0 ? 0.0 : rate());
  }
}
