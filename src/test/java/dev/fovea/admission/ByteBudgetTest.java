package dev.fovea.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.PixelBudget;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class ByteBudgetTest {
  private static final long BYTES = 1 << 20;

  private final ByteBudget budget = new ByteBudget(BYTES);

  @Test
  void shareComesBackOnceHoweverOftenItIsClosed() throws InterruptedException {
    PixelBudget.Share share = budget.take(BYTES, far());
    assertThat(budget.taken()).isEqualTo(BYTES);

    share.close();
    share.close();

    assertThat(budget.taken()).isZero();
    budget.take(BYTES, far()).close();
  }

  @Test
  void fullBudgetIsWaitedForUntilTheDeadline() throws InterruptedException {
    try (PixelBudget.Share _ = budget.take(BYTES, far())) {
      assertThatThrownBy(
              () -> budget.take(1, Deadline.after(Clock.system(), Duration.ofMillis(20))))
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED));
    }
    budget.take(1, far()).close();
  }

  @Test
  void whatNeverFitsIsRefusedAtOnce() {
    assertThatThrownBy(() -> budget.take(BYTES + 1, far()))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
              assertThat(refusal.metadata())
                  .containsEntry("maxDecodedBytes", String.valueOf(BYTES));
            });
  }

  @Test
  void smallShareIsHandedOutPastThoseWhoWaitForLargeOnes() throws Exception {
    PixelBudget.Share first = budget.take(BYTES / 2, far());
    Thread waiter = take(BYTES);
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }

    budget.take(BYTES / 64, far()).close();
    assertThatThrownBy(() ->
            budget.take(BYTES / 64 + 4096, Deadline.after(Clock.system(), Duration.ofMillis(20))))
        .as("not a small one, so it waits in line")
        .isInstanceOf(GatewayException.class);
    first.close();
    waiter.join();
    assertThat(budget.taken()).isZero();
  }

  @Test
  void waiterGetsWhatAnotherGivesBack() throws Exception {
    PixelBudget.Share first = budget.take(BYTES, far());
    Thread waiter = take(BYTES / 2);
    first.close();
    waiter.join();

    assertThat(budget.taken()).isZero();
  }

  private Thread take(long bytes) {
    return Thread.startVirtualThread(() -> {
      try {
        budget.take(bytes, far()).close();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
  }

  private static Deadline far() {
    return Deadline.after(Clock.system(), Duration.ofSeconds(30));
  }
}
