package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class MeasureTest {
  /// Wilson's interval of 81 in 263, as Newcombe (1998) gives it: 0.2553 to 0.3662.
  @Test
  void intervalIsWilsons() {
    Measure measure = Measure.share("x", 81, 263, OptionalDouble.empty());

    assertThat(measure.low()).isCloseTo(0.2553, within(1e-4));
    assertThat(measure.high()).isCloseTo(0.3662, within(1e-4));
  }

  @Test
  void intervalOfAllOrNoneOrNothingStaysWithinBounds() {
    assertThat(Measure.share("x", 0, 10, OptionalDouble.empty()).low()).isZero();
    assertThat(Measure.share("x", 10, 10, OptionalDouble.empty()).high()).isBetween(0.9999, 1.0);
    assertThat(Measure.share("x", 0, 0, OptionalDouble.empty()).high()).isEqualTo(1);
  }

  @Test
  void targetIsMetFromItselfOn() {
    assertThat(Measure.share("x", 9, 10, OptionalDouble.of(0.9)).isMet()).isTrue();
    assertThat(Measure.share("x", 8, 10, OptionalDouble.of(0.9)).row()).contains("≥ 0.90, missed");
  }

  @Test
  void areaIsTheShareOfPairsInOrderEqualOnesHalf() {
    assertThat(Measure.areaUnderCurve(List.of(3.0, 2.0), List.of(1.0, 0.0))).isEqualTo(1);
    assertThat(Measure.areaUnderCurve(List.of(1.0), List.of(1.0, 0.0))).isEqualTo(0.75);
    assertThat(Measure.areaUnderCurve(List.of(0.0), List.of(1.0, 2.0))).isZero();
  }

  @Test
  void macroF1IsTheMeanOverClasses() {
    List<String> truth = List.of("a", "a", "b", "c");
    List<String> guessed = List.of("a", "b", "b", "b");

    // a: 2·1 ÷ (2 + 1), b: 2·1 ÷ (1 + 3), c: 0
    assertThat(Measure.macroF1(truth, guessed, List.of("a", "b", "c")))
        .isCloseTo((2.0 / 3 + 0.5) / 3, within(1e-12));
  }
}
