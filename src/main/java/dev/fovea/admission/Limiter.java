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
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/// Decides at the door how many items may be under way. Refusing there costs next to nothing, and
/// what is let in is answered soon.
///
/// The level finds itself: it grows while items wait less than they may, for a thread, a processor
/// and the engine together, and shrinks in proportion when they wait longer (the gradient of
/// adaptive concurrency limits, on the time in queues and not on the time of a call, which grows
/// with every batch and says nothing). Calls that matter less are let in only while the level is
/// further from full, so they are the first to be refused. And no caller gets more than twice of
/// what is left (the dynamic thresholds of Choudhury and Hahne 1998): alone it may have two thirds
/// of the level, and the more others take, the less; there is always room for those who ask for
/// little. Where callers who ask for less than their fair share take most of what can be served,
/// the others are let in only while the level is further from full, so that it is not they who find
/// it full by chance.
///
/// A call may be let in by its headers alone ([#expect]) and say later how much it brings
/// ([#admit]).
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
  private static final double GREED = 2;

  /// The part of the level that is kept for callers who ask for less than their share, when they
  /// are all that is served.
  private static final double RESERVE = 0.3;

  /// How long room is kept for a call whose message has not come while others ask for it.
  private static final Duration LONGEST_EXPECTATION = Duration.ofSeconds(1);

  private static final Duration RETRY_AFTER = Duration.ofMillis(100);

  /// The bounds of what the level may become.
  ///
  /// @param start the level before anything is known
  /// @param least items that are let in however long they wait
  /// @param most items that are let in however short they wait
  /// @param queueDelay how long items may wait for a processor and for the engine
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

  /// Permits of calls whose messages have not come, the oldest first.
  private final Set<Permit> expected = new LinkedHashSet<>();

  private final FairShares shares = new FairShares();
  private final Waits threadWaits = new Waits();
  private final Waits processorWaits = new Waits();
  private final Waits engineWaits = new Waits();

  private double level;
  private int underWay;
  private int mostUnderWay;
  private long windowStart;

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
    giveUpLongExpected();
    Permit permit = new Permit(this, call.caller(), clock.nanoTime());
    enlarge(permit, call, items);
    return permit;
  }

  /// Lets a call in by its headers: as one item, until [#admit]. The room goes to others who ask
  /// for it when the message takes longer than a second to come: who sends slowly on purpose keeps
  /// nobody out.
  ///
  /// @throws GatewayException as [#acquire] does
  public synchronized Permit expect(CallContext call) {
    Permit permit = acquire(call, 1);
    expected.add(permit);
    return permit;
  }

  /// Lets in what an expected call brings.
  ///
  /// @param permit of [#expect]; closed when the call is refused
  /// @return what is to be closed when the call ends
  /// @throws GatewayException as [#acquire] does
  public synchronized Permit admit(Permit permit, CallContext call, int items) {
    if (!expected.remove(permit)) {
      return acquire(call, items);
    }
    try {
      enlarge(permit, call, items);
      return permit;
    } catch (GatewayException refusal) {
      permit.close();
      throw refusal;
    }
  }

  /// Makes a permit one for so many items.
  private void enlarge(Permit permit, CallContext call, int items) {
    int counted = Math.min(items, (int) Math.max(1, level * LARGEST_CALL));
    int others = underWay - permit.items();
    int more = counted - permit.items();
    shares.ask(call.caller(), more);
    double allowed = level * share(call.criticality());
    int wanted = others + counted;
    if (others > 0 && wanted > allowed) {
      throw new GatewayException(Reason.QUEUE_FULL, "too much is under way")
          .with("queue", "admission")
          .with("limit", (long) allowed)
          .retryAfter(RETRY_AFTER);
    }
    int own = byCaller.getOrDefault(call.caller(), 0) - permit.items();
    double reserve = RESERVE * shares.modest() * shares.excess(call.caller());
    double ownShare = GREED * Math.max(0, allowed * (1 - reserve) - others);
    if (own > 0 && own + counted > ownShare) {
      throw new GatewayException(Reason.RATE_LIMITED, "the caller has its share under way")
          .with("limit", (long) ownShare)
          .retryAfter(RETRY_AFTER);
    }
    shares.serve(more);
    underWay = wanted;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    byCaller.put(call.caller(), own + counted);
    permit.counts(counted);
  }

  private void giveUpLongExpected() {
    long now = clock.nanoTime();
    while (!expected.isEmpty()) {
      Permit oldest = expected.iterator().next();
      if (now - oldest.sinceNanos() < LONGEST_EXPECTATION.toNanos()) {
        return;
      }
      oldest.close();
    }
  }

  /// How much of the level calls may fill that matter so much.
  private static double share(Criticality criticality) {
    return switch (criticality) {
      case CRITICAL -> 1;
      case DEFAULT -> 0.9;
      case SHEDDABLE -> 0.7;
    };
  }

  synchronized void release(Permit permit) {
    if (permit.isOver()) {
      return;
    }
    permit.end();
    expected.remove(permit);
    underWay -= permit.items();
    byCaller.computeIfPresent(
        permit.caller(), (_, own) -> own == permit.items() ? null : own - permit.items());
  }

  /// Learns how long items waited.
  @Override
  public void spent(Stage stage, long nanos) {
    switch (stage) {
      case ADMISSION -> waited(processorWaits, nanos);
      case QUEUE -> waited(engineWaits, nanos);
      case DECODE, PREPROCESS, TOKENIZE, BACKEND, POSTPROCESS -> {}
    }
  }

  /// The same threads, which tell how long calls that were let in wait for one.
  public Executor timed(Executor threads) {
    return work -> {
      long start = clock.nanoTime();
      threads.execute(() -> {
        waited(threadWaits, clock.nanoTime() - start);
        work.run();
      });
    };
  }

  private synchronized void waited(Waits waits, long nanos) {
    waits.add(nanos);
    long now = clock.nanoTime();
    if (now - windowStart >= WINDOW_NANOS) {
      shares.fade((now - windowStart) / (double) WINDOW_NANOS);
      adapt(threadWaits.take() + processorWaits.take() + engineWaits.take());
      windowStart = now;
      mostUnderWay = underWay;
    }
  }

  /// Grows by the square root of the level, so that it can always be tried whether more would do,
  /// and shrinks by the ratio of the allowed to the measured wait. A level that is not made use of
  /// stays as it is.
  private void adapt(double meanWait) {
    double gradient =
        Math.clamp(policy.queueDelay().toNanos() / Math.max(1, meanWait), STEEPEST, 1.0);
    if (gradient == 1 && mostUnderWay < level / 2) {
      return;
    }
    double next = level * gradient + Math.sqrt(level);
    level =
        Math.clamp(
            (1 - SMOOTHING) * level + SMOOTHING * next, policy.least(), (double) policy.most());
  }

  /// The waits of one window for one thing.
  private static final class Waits {
    private long count;
    private long nanos;

    void add(long wait) {
      count++;
      nanos += wait;
    }

    /// The mean; zero when nothing waited. Begins anew.
    double take() {
      double mean = count == 0 ? 0 : (double) nanos / count;
      count = 0;
      nanos = 0;
      return mean;
    }
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
