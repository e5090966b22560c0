package dev.fovea.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class OutcomeTest {
  private final GatewayException refusal = new GatewayException(Reason.IMAGE_DECODE_FAILED, "no");

  @Test
  void stepsFollowOnlyWhatIsDone() {
    assertThat(Outcome.done(2).then(x -> x + 1)).isEqualTo(Outcome.done(3));
    assertThat(Outcome.<Integer>failed(refusal).then(x -> x + 1))
        .isEqualTo(Outcome.failed(refusal));
  }

  @Test
  void refusalInAStepBecomesTheItemsOwn() {
    Outcome<Integer> outcome =
        Outcome.done(2)
            .then(_ -> {
              throw refusal;
            });

    assertThat(outcome).isEqualTo(Outcome.failed(refusal));
  }

  @Test
  void programmingErrorInAStepIsNotAnOutcome() {
    assertThatThrownBy(() -> Outcome.done(2).then(_ -> Integer.parseInt("x")))
        .isInstanceOf(NumberFormatException.class);
  }
}
