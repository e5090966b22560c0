package dev.fovea.engine.triton;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.fake.FakeClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// When calls are held back, and how much is sent twice or cancelled.
final class BudgetsTest {
  private final FakeClock clock = new FakeClock();

  @Test
  void breakerOpensAfterFailuresOnEndAndTriesOneCallAtATime() {
    Breaker breaker = new Breaker(clock);
    for (int i = 0; i < Breaker.THRESHOLD; i++) {
      assertThat(breaker.admits()).isTrue();
      breaker.failed();
    }
    assertThat(breaker.wouldAdmit()).isFalse();
    assertThat(breaker.admits()).isFalse();

    clock.advance(Breaker.PAUSE);

    assertThat(breaker.admits()).isTrue();
    assertThat(breaker.admits()).isFalse();
    breaker.failed();
    assertThat(breaker.admits()).isFalse();

    clock.advance(Breaker.PAUSE);
    assertThat(breaker.admits()).isTrue();
    breaker.succeeded();
    assertThat(breaker.admits()).isTrue();
    assertThat(breaker.admits()).isTrue();
  }

  @Test
  void successForgetsFailures() {
    Breaker breaker = new Breaker(clock);
    for (int i = 0; i < 10 * Breaker.THRESHOLD; i++) {
      breaker.failed();
      breaker.succeeded();
      assertThat(breaker.admits()).isTrue();
    }
  }

  @Test
  void trialThatTellsNothingLeavesRoomForAnother() {
    Breaker breaker = new Breaker(clock);
    for (int i = 0; i < Breaker.THRESHOLD; i++) {
      breaker.failed();
    }
    clock.advance(Breaker.PAUSE);
    assertThat(breaker.admits()).isTrue();

    breaker.ended();

    assertThat(breaker.admits()).isTrue();
  }

  @Test
  void tenCallsThatSucceedEarnOneRetry() {
    RetryBudget budget = new RetryBudget();
    for (int i = 0; i < 10; i++) {
      assertThat(budget.spend()).isTrue();
    }
    assertThat(budget.spend()).isFalse();
    for (int i = 0; i < 9; i++) {
      budget.earn();
      assertThat(budget.spend()).isFalse();
    }
    budget.earn();
    assertThat(budget.spend()).isTrue();
    assertThat(budget.spend()).isFalse();
  }

  @Test
  void cancellationsAreLimitedASecond() {
    CancelBudget budget = new CancelBudget(clock);
    for (int i = 0; i < CancelBudget.PER_SECOND; i++) {
      assertThat(budget.spend()).isTrue();
    }
    assertThat(budget.spend()).isFalse();

    clock.advance(Duration.ofMillis(100));

    for (int i = 0; i < CancelBudget.PER_SECOND / 10; i++) {
      assertThat(budget.spend()).isTrue();
    }
    assertThat(budget.spend()).isFalse();
  }
}
