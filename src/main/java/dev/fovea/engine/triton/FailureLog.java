package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import dev.fovea.model.ServableModel;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/// Says why calls failed, in the server's own words, at most every ten seconds for each meaning: a
/// server that is down must not fill the log. Thread-safe.
final class FailureLog {
  private static final Logger LOG = System.getLogger(FailureLog.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(10);
  private static final int MAX_LENGTH = 500;

  private final Clock clock;
  private final Map<Meaning, Long> saidNanos = new EnumMap<>(Meaning.class);

  FailureLog(Clock clock) {
    this.clock = clock;
  }

  void failed(ServableModel model, TritonServer server, Meaning meaning, Status status) {
    if (meaning == Meaning.LATE || !isDue(meaning)) {
      return;
    }
    String text = status.getCode() + ": " + status.getDescription();
    if (status.getCause() instanceof MalformedAnswerException e) {
      text = e.getMessage();
    }
    LOG.log(
        Level.WARNING,
        "{0} on Triton at {1}: {2} ({3})",
        model.name(),
        server,
        meaning,
        printable(String.valueOf(text)));
  }

  private synchronized boolean isDue(Meaning meaning) {
    long now = clock.nanoTime();
    Long said = saidNanos.get(meaning);
    boolean due = said == null || now - said >= PAUSE.toNanos();
    if (due) {
      saidNanos.put(meaning, now);
    }
    return due;
  }

  /// A server's text on one line: it may hold whatever a model put into it.
  static String printable(String text) {
    String line = text.replaceAll("\\p{Cntrl}+", " ");
    return line.length() <= MAX_LENGTH ? line : line.substring(0, MAX_LENGTH) + "…";
  }
}
