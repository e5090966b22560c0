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
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

final class LimiterTest {
  private static final Duration ALLOWED = Duration.ofMillis(100);

  private final FakeClock clock = new FakeClock();
  private final Limiter limiter = new Limiter(new Limiter.Policy(100, 4, 1_000, ALLOWED), clock);

  @Test
  void refusesWhatGoesBeyondTheLevel() {
    Permit first = acquire("a", Criticality.CRITICAL, 60);
    Permit _ = acquire("b", Criticality.CRITICAL, 40);

    assertRefused(Reason.QUEUE_FULL, () -> acquire("c", Criticality.CRITICAL, 1));

    first.close();
    Permit _ = acquire("c", Criticality.CRITICAL, 1);
    assertThat(limiter.underWay()).isEqualTo(41);
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
  void anIdleServerTakesACallOfAnySize() {
    Permit permit = acquire("a", Criticality.SHEDDABLE, 5_000);

    assertRefused(Reason.QUEUE_FULL, () -> acquire("b", Criticality.CRITICAL, 1));
    permit.close();
    Permit _ = acquire("b", Criticality.CRITICAL, 1);
  }

  @Test
  void noCallerGetsMoreThanItsShareOnceItIsTight() {
    List<Permit> greedy = new ArrayList<>();
    Permit _ = acquire("modest", Criticality.CRITICAL, 5);
    while (greedy.size() < 50) {
      greedy.add(acquire("greedy", Criticality.CRITICAL, 1));
    }

    assertRefused(Reason.RATE_LIMITED, () -> acquire("greedy", Criticality.CRITICAL, 1));
    Permit _ = acquire("modest", Criticality.CRITICAL, 20);
    greedy.getFirst().close();
    Permit _ = acquire("greedy", Criticality.CRITICAL, 1);
  }

  @Test
  void aCallerThatIsAloneMayHaveItAll() {
    for (int i = 0; i < 100; i++) {
      Permit _ = acquire("a", Criticality.CRITICAL, 1);
    }

    assertThat(limiter.underWay()).isEqualTo(100);
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
      done.waited(clock.nanoTime() - arrivals.remove());
      done.close();
    }

    assertThat(limiter.level()).isBetween(45L, 75L);
  }

  private void fill(int items) {
    for (int i = 0; i < items; i++) {
      Permit _ = acquire("caller " + i, Criticality.CRITICAL, 1);
    }
  }

  private void observe(Duration wait, int windows) {
    Permit permit = new Permit(limiter, new Caller("observer"), 0);
    for (int i = 0; i < windows; i++) {
      clock.advance(Duration.ofMillis(100));
      permit.waited(wait.toNanos());
    }
  }

  private Permit acquire(String caller, Criticality criticality, int items) {
    return limiter.acquire(
        new CallContext(
            "call",
            new Caller(caller),
            criticality,
            Deadline.after(clock, Duration.ofSeconds(1))),
        items);
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
