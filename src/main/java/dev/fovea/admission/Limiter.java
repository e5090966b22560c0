package dev.fovea.admission;

import dev.fovea.call.CallContext;
import dev.fovea.call.Caller;
import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageListener;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/// Decides at the door how many items may be under way. Refusing there costs next to nothing, and
/// what is let in is answered soon.
///
/// The level finds itself: it grows while items wait less for the engine than they may, and shrinks
/// in proportion when they wait longer (the gradient of adaptive concurrency limits, on the time in
/// queue and not on the time of a call, which grows with every batch and says nothing). Calls that
/// matter less are let in only while the level is further from full, so they are the first to be
/// refused. And no caller gets more than four times of what is left (the dynamic thresholds of
/// Choudhury and Hahne 1998): alone it may have four fifths of the level, and the more others take,
/// the less; there is always room for those who ask for little.
///
/// Thread-safe.
public final class Limiter implements StageListener {
  private static final long WINDOW_NANOS = 100_000_000;
  private static final double SMOOTHING = 0.2;
  private static final double STEEPEST = 0.5;

  /// A call counts as no more than this part of the level, or a large one would never find room
  /// between many small ones.
  private static final double LARGEST_CALL = 0.25;

  /// A caller may have so many times under way what there is still room for.
  private static final double GREED = 4;

  private static final Duration RETRY_AFTER = Duration.ofMillis(100);

  /// The bounds of what the level may become.
  ///
  /// @param start the level before anything is known
  /// @param least items that are let in however long they wait
  /// @param most items that are let in however short they wait
  /// @param queueDelay how long items may wait for the engine
  public record Policy(int start, int least, int most, Duration queueDelay) {
    /// From 256 items, between 8 and 16,384, waiting half a second.
    public static final Policy DEFAULT = new Policy(256, 8, 16_384, Duration.ofMillis(500));

    public Policy {
      if (least < 1 || least > start || start > most) {
        throw new IllegalArgumentException(
            "level: %d, %d, %d (expected: 1 <= least <= start <= most)"
                .formatted(least, start, most));
      }
      if (!queueDelay.isPositive()) {
        throw new IllegalArgumentException("queueDelay: " + queueDelay + " (expected: > 0)");
      }
    }
  }

  private final Policy policy;
  private final Clock clock;

  /// Items under way by caller; a caller without any is not in it. Guarded by `this`, as is
  /// everything below.
  private final Map<Caller, Integer> byCaller = new HashMap<>();

  private double level;
  private int underWay;
  private int mostUnderWay;
  private long windowStart;
  private long delays;
  private long delayNanos;

  public Limiter(Policy policy, Clock clock) {
    this.policy = policy;
    this.clock = clock;
    this.level = policy.start();
    this.windowStart = clock.nanoTime();
  }

  /// Lets a call in.
  ///
  /// @param items how many it brings; a call that comes to an idle server is let in whatever it
  ///   brings
  /// @return to be closed when the call ends
  /// @throws GatewayException with `QUEUE_FULL` when as much is under way as may be, or
  ///   `RATE_LIMITED` when the caller has its share
  public synchronized Permit acquire(CallContext call, int items) {
    int counted = Math.min(items, (int) Math.max(1, level * LARGEST_CALL));
    double allowed = level * share(call.criticality());
    int wanted = underWay + counted;
    if (underWay > 0 && wanted > allowed) {
      throw new GatewayException(Reason.QUEUE_FULL, "too much is under way")
          .with("queue", "admission")
          .with("limit", (long) allowed)
          .retryAfter(RETRY_AFTER);
    }
    int own = byCaller.getOrDefault(call.caller(), 0);
    double ownShare = GREED * (allowed - underWay);
    if (own > 0 && own + counted > ownShare) {
      throw new GatewayException(Reason.RATE_LIMITED, "the caller has its share under way")
          .with("limit", (long) ownShare)
          .retryAfter(RETRY_AFTER);
    }
    underWay = wanted;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    byCaller.put(call.caller(), own + counted);
    return new Permit(this, call.caller(), counted);
  }

  /// How much of the level calls may fill that matter so much.
  private static double share(Criticality criticality) {
    return switch (criticality) {
      case CRITICAL -> 1;
      case DEFAULT -> 0.9;
      case SHEDDABLE -> 0.7;
    };
  }

  synchronized void release(Caller caller, int items) {
    underWay -= items;
    byCaller.computeIfPresent(caller, (_, own) -> own == items ? null : own - items);
  }

  /// Learns how long rows waited for the engine.
  @Override
  public void spent(Stage stage, long nanos) {
    if (stage == Stage.QUEUE) {
      waited(nanos);
    }
  }

  private synchronized void waited(long nanos) {
    delays++;
    delayNanos += nanos;
    long now = clock.nanoTime();
    if (now - windowStart >= WINDOW_NANOS) {
      adapt();
      windowStart = now;
      delays = 0;
      delayNanos = 0;
      mostUnderWay = underWay;
    }
  }

  /// Grows by the square root of the level, so that it can always be tried whether more would do,
  /// and shrinks by the ratio of the allowed to the measured wait. A level that is not made use of
  /// stays as it is.
  private void adapt() {
    double mean = (double) delayNanos / delays;
    double gradient = Math.clamp(policy.queueDelay().toNanos() / Math.max(1, mean), STEEPEST, 1.0);
    if (gradient == 1 && mostUnderWay < level / 2) {
      return;
    }
    double next = level * gradient + Math.sqrt(level);
    level =
        Math.clamp(
            (1 - SMOOTHING) * level + SMOOTHING * next, policy.least(), (double) policy.most());
  }

  /// Items that may be under way now; for gauges.
  public synchronized long level() {
    return (long) level;
  }

  /// Items under way; for gauges.
  public synchronized long underWay() {
    return underWay;
  }
}
