package dev.fovea.telemetry;

import dev.fovea.call.Clock;
import java.util.concurrent.atomic.AtomicLongArray;

/// The time that one call spent in each stage. Threads may add at once; where stages of several
/// items overlap, their times add up to more than the clock on the wall shows.
public final class StageTimings {
  private final Clock clock;
  private final StageListener listener;
  private final AtomicLongArray nanos = new AtomicLongArray(Stage.values().length);

  public StageTimings(Clock clock, StageListener listener) {
    this.clock = clock;
    this.listener = listener;
  }

  /// Starts the clock of a stage; it stops when the returned span is closed.
  public Span start(Stage stage) {
    return new Span(stage);
  }

  public void add(Stage stage, long elapsedNanos) {
    nanos.addAndGet(stage.ordinal(), elapsedNanos);
    listener.spent(stage, elapsedNanos);
  }

  /// Nanoseconds spent in a stage so far; zero for one that was never entered.
  public long nanos(Stage stage) {
    return nanos.get(stage.ordinal());
  }

  /// A stage that is under way.
  public final class Span implements AutoCloseable {
    private final Stage stage;
    private final long startNanos = clock.nanoTime();
    private final StageEvent event = new StageEvent();

    private Span(Stage stage) {
      this.stage = stage;
      event.begin();
    }

    @Override
    public void close() {
      add(stage, clock.nanoTime() - startNanos);
      if (event.shouldCommit()) {
        event.stage = stage.name();
        event.commit();
      }
    }
  }
}
