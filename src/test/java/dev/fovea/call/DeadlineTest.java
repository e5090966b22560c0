package dev.fovea.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class DeadlineTest {
  private final FakeClock clock = new FakeClock();
  private final Deadline deadline = Deadline.after(clock, Duration.ofMillis(5));

  @Test
  void leavesWorkAloneUntilItPasses() {
    clock.advance(Duration.ofMillis(5).minusNanos(1));

    deadline.check("decode");
    assertThat(deadline.remainingNanos()).isEqualTo(1);
  }

  @Test
  void refusesTheStepThatWouldBeginTooLate() {
    clock.advance(Duration.ofMillis(5));

    assertThatThrownBy(() -> deadline.check("decode"))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED);
              assertThat(refusal.metadata()).containsEntry("step", "decode");
            });
  }

  @Test
  void survivesAClockThatWrapsAround() {
    FakeClock late = new FakeClock(Long.MAX_VALUE - 1);
    Deadline wrapped = Deadline.after(late, Duration.ofNanos(10));

    assertThat(wrapped.expired()).isFalse();
    late.advance(Duration.ofNanos(10));
    assertThat(wrapped.expired()).isTrue();
  }
}
