package dev.fovea.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.CallContext;
import dev.fovea.call.Caller;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeClock;
import dev.fovea.telemetry.Stage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

final class LimiterTest {
  private static final Duration ALLOWED = Duration.ofMillis(100);

  private final FakeClock clock = new FakeClock();
  private int callers;
  private final Limiter limiter = new Limiter(new Limiter.Policy(100, 4, 1_000, ALLOWED), clock);

  @Test
  void refusesWhatGoesBeyondTheLevel() {
    Permit first = acquire("a", Criticality.CRITICAL, 25);
    for (String caller : List.of("b", "c", "d")) {
      Permit _ = acquire(caller, Criticality.CRITICAL, 25);
    }

    assertRefused(Reason.QUEUE_FULL, () -> acquire("e", Criticality.CRITICAL, 1));

    first.close();
    Permit _ = acquire("e", Criticality.CRITICAL, 1);
    assertThat(limiter.underWay()).isEqualTo(76);
  }

  @Test
  void closingTwiceGivesBackOnce() {
    Permit permit = acquire("a", Criticality.DEFAULT, 10);

    permit.close();
    permit.close();

    assertThat(limiter.underWay()).isZero();
  }

  @Test
  void whatMattersLessIsRefusedFirst() {
    fill(69);

    Permit _ = acquire("x", Criticality.SHEDDABLE, 1);
    assertRefused(Reason.QUEUE_FULL, () -> acquire("x", Criticality.SHEDDABLE, 1));
    fill(20);
    assertRefused(Reason.QUEUE_FULL, () -> acquire("y", Criticality.DEFAULT, 1));
    Permit _ = acquire("z", Criticality.CRITICAL, 1);
  }

  @Test
  void aCallCountsAsNoMoreThanAQuarterOfTheLevel() {
    Permit _ = acquire("a", Criticality.SHEDDABLE, 5_000);

    assertThat(limiter.underWay()).isEqualTo(25);
  }

  @Test
  void aCallerHasNoMoreThanTwiceOfWhatIsLeft() {
    Permit _ = acquire("modest", Criticality.CRITICAL, 5);
    List<Permit> greedy = new ArrayList<>();
    while (greedy.size() < 64) {
      greedy.add(acquire("greedy", Criticality.CRITICAL, 1));
    }

    assertRefused(Reason.RATE_LIMITED, () -> acquire("greedy", Criticality.CRITICAL, 1));
    Permit _ = acquire("modest", Criticality.CRITICAL, 10);
    greedy.getFirst().close();
    assertRefused(Reason.RATE_LIMITED, () -> acquire("greedy", Criticality.CRITICAL, 1));
  }

  @Test
  void aCallerThatIsAloneMayHaveTwoThirds() {
    for (int i = 0; i < 67; i++) {
      Permit _ = acquire("a", Criticality.CRITICAL, 1);
    }

    assertRefused(Reason.RATE_LIMITED, () -> acquire("a", Criticality.CRITICAL, 1));
  }

  @Test
  void expectedCallCountsAsOneItemUntilItSaysWhatItBrings() {
    Permit expected = limiter.expect(call("a", Criticality.CRITICAL));
    assertThat(limiter.underWay()).isEqualTo(1);

    Permit admitted = limiter.admit(expected, call("a", Criticality.CRITICAL), 10);
    assertThat(limiter.underWay()).isEqualTo(10);

    admitted.close();
    assertThat(limiter.underWay()).isZero();
  }

  @Test
  void expectedCallThatBringsTooMuchIsRefusedAndLeavesItsRoom() {
    Permit expected = limiter.expect(call("a", Criticality.CRITICAL));
    fill(95);

    assertRefused(
        Reason.QUEUE_FULL, () -> limiter.admit(expected, call("a", Criticality.CRITICAL), 10));
    assertThat(limiter.underWay()).isEqualTo(95);
  }

  @Test
  void roomOfACallWhoseMessageDoesNotComeGoesToOthersAfterASecond() {
    List<Permit> slow = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      slow.add(limiter.expect(call("slow " + i, Criticality.CRITICAL)));
    }
    clock.advance(Duration.ofMillis(999));
    assertRefused(Reason.QUEUE_FULL, () -> acquire("quick", Criticality.CRITICAL, 1));

    clock.advance(Duration.ofMillis(1));
    Permit _ = acquire("quick", Criticality.CRITICAL, 1);
    assertThat(limiter.underWay()).isEqualTo(1);

    Permit late = limiter.admit(slow.getFirst(), call("slow 0", Criticality.CRITICAL), 5);
    assertThat(limiter.underWay()).isEqualTo(6);
    slow.forEach(Permit::close);
    late.close();
    assertThat(limiter.underWay()).isEqualTo(1);
  }

  @Test
  void waitsForAProcessorAndForTheEngineCountTogether() {
    fill(80);

    for (int i = 0; i < 20; i++) {
      clock.advance(Duration.ofMillis(50));
      limiter.spent(Stage.ADMISSION, Duration.ofMillis(150).toNanos());
      clock.advance(Duration.ofMillis(50));
      limiter.spent(Stage.QUEUE, Duration.ofMillis(150).toNanos());
    }

    assertThat(limiter.level()).isLessThan(60);
  }

  @Test
  void shrinksWhenCallsWaitForAThread() {
    fill(80);
    List<Runnable> waiting = new ArrayList<>();
    Executor threads = limiter.timed(waiting::add);

    for (int i = 0; i < 20; i++) {
      threads.execute(() -> {});
      clock.advance(Duration.ofMillis(300));
      waiting.removeFirst().run();
    }

    assertThat(limiter.level()).isLessThan(60);
  }

  @Test
  void growsWhileItIsUsedAndWaitsAreShort() {
    fill(80);

    observe(Duration.ofMillis(10), 20);

    assertThat(limiter.level()).isGreaterThan(130);
  }

  @Test
  void doesNotGrowWhileItIsNotUsed() {
    fill(10);

    observe(Duration.ofMillis(10), 20);

    assertThat(limiter.level()).isEqualTo(100);
  }

  @Test
  void shrinksWhenWaitsAreLongButNeverBelowTheLeast() {
    fill(80);

    observe(Duration.ofSeconds(10), 5);
    assertThat(limiter.level()).isLessThan(80);

    observe(Duration.ofSeconds(10), 200);
    assertThat(limiter.level()).isGreaterThanOrEqualTo(4).isLessThan(20);
  }

  /// An engine that answers an item each 2 ms, with as many callers as are let in: the level
  /// settles where items wait about as long as they may, which is 50 items.
  @Test
  void findsTheLevelAtWhichItemsWaitAsLongAsTheyMay() {
    Deque<Permit> queue = new ArrayDeque<>();
    Deque<Long> arrivals = new ArrayDeque<>();
    for (int step = 0; step < 20_000; step++) {
      while (true) {
        try {
          queue.add(acquire("caller " + queue.size(), Criticality.CRITICAL, 1));
          arrivals.add(clock.nanoTime());
        } catch (GatewayException _) {
          break;
        }
      }
      clock.advance(Duration.ofMillis(2));
      Permit done = queue.remove();
      limiter.spent(Stage.QUEUE, clock.nanoTime() - arrivals.remove());
      done.close();
    }

    assertThat(limiter.level()).isBetween(45L, 75L);
  }

  /// An engine that answers an item each 2 ms, ten callers who ask for nine tenths of that, and one
  /// beside them who asks for as much as all of them.
  @Test
  void tenCallersKeepMostOfTheirGoodputBesideOneWhoAsksForTenShares() {
    Random random = new Random(21);
    Deque<Permit> queue = new ArrayDeque<>();
    Deque<Long> arrivals = new ArrayDeque<>();
    int asked = 0;
    int answered = 0;
    for (int step = 0; step < 40_000; step++) {
      for (int caller = 0; caller < 20; caller++) {
        if (random.nextDouble() < 0.09) {
          boolean modest = caller < 10;
          boolean letIn = true;
          try {
            queue.add(acquire(modest ? "modest " + caller : "greedy", Criticality.DEFAULT, 1));
            arrivals.add(clock.nanoTime());
          } catch (GatewayException _) {
            letIn = false;
          }
          if (modest && step > 4_000) {
            asked++;
            answered += letIn ? 1 : 0;
          }
        }
      }
      clock.advance(Duration.ofMillis(2));
      if (!queue.isEmpty()) {
        limiter.spent(Stage.QUEUE, clock.nanoTime() - arrivals.remove());
        queue.remove().close();
      }
    }

    assertThat((double) answered / asked).isGreaterThan(0.95);
  }

  private void fill(int items) {
    for (int i = 0; i < items; i++) {
      Permit _ = acquire("caller " + callers++, Criticality.CRITICAL, 1);
    }
  }

  private void observe(Duration wait, int windows) {
    for (int i = 0; i < windows; i++) {
      clock.advance(Duration.ofMillis(100));
      limiter.spent(Stage.QUEUE, wait.toNanos());
    }
  }

  private Permit acquire(String caller, Criticality criticality, int items) {
    return limiter.acquire(call(caller, criticality), items);
  }

  private CallContext call(String caller, Criticality criticality) {
    return new CallContext(
        "call", new Caller(caller), criticality, Deadline.after(clock, Duration.ofSeconds(1)));
  }

  private static void assertRefused(Reason reason, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(reason);
              assertThat(refusal.retryAfter()).isPresent();
            });
  }
}
