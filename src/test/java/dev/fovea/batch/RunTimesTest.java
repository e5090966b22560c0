package dev.fovea.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class RunTimesTest {
  private final RunTimes times = new RunTimes();

  @Test
  void nothingIsExpectedBeforeAnythingRan() {
    assertThat(times.expected(8)).isZero();
  }

  @Test
  void oneSizeTellsOfLargerOnesInProportionAndOfSmallerOnesNothing() {
    times.learn(4, 1_000);
    times.learn(4, 1_000);

    assertThat(times.expected(4)).isEqualTo(1_000);
    assertThat(times.expected(8)).isEqualTo(2_000);
    assertThat(times.expected(1)).isEqualTo(1_000);
  }

  @Test
  void findsTheLineBehindNoise() {
    Random random = new Random(7);
    for (int i = 0; i < 200; i++) {
      int size = 1 + random.nextInt(64);
      times.learn(size, 390_000 + 74_000L * size + random.nextInt(-20_000, 20_001));
    }

    for (int size : new int[] {1, 16, 64}) {
      double exact = 390_000 + 74_000.0 * size;
      assertThat((double) times.expected(size)).isCloseTo(exact, within(0.1 * exact));
    }
  }

  @Test
  void followsAModelThatBecomesSlower() {
    for (int i = 0; i < 100; i++) {
      times.learn(1 + i % 8, 1_000L * (1 + i % 8));
    }
    for (int i = 0; i < 200; i++) {
      times.learn(1 + i % 8, 5_000L * (1 + i % 8));
    }

    assertThat((double) times.expected(8)).isCloseTo(40_000, within(400.0));
  }

  @Test
  void neverExpectsLessThanNothing() {
    times.learn(10, 1_000);
    times.learn(20, 5_000);

    assertThat(times.expected(1)).isPositive();
  }

  @Test
  void allAreWorthABatchUntilItIsKnownWhetherTheyAre() {
    assertThat(times.worthwhile(16)).isEqualTo(16);
    for (int i = 0; i < 50; i++) {
      times.learn(1, 10_000_000);
    }

    assertThat(times.worthwhile(16)).isEqualTo(16);
  }

  @Test
  void rowsThatAreNoCheaperTogetherGoAlone() {
    Random random = new Random(5);
    for (int i = 0; i < 200; i++) {
      int size = 1 + random.nextInt(8);
      times.learn(size, 11_000_000L * size + random.nextInt(-1_000_000, 1_000_001));
    }

    assertThat(times.worthwhile(16)).isLessThanOrEqualTo(4);
    assertThat(times.worthwhile(1)).isEqualTo(1);
  }

  @Test
  void rowsThatAreCheaperTogetherStayTogether() {
    for (int i = 0; i < 200; i++) {
      int size = 1 + i % 64;
      times.learn(size, 390_000 + 74_000L * size);
    }

    assertThat(times.worthwhile(64)).isEqualTo(64);
    assertThat(times.worthwhile(8)).isEqualTo(8);
  }

  @Test
  void whatManySingleRowsHaveMadeForgottenIsTriedAgain() {
    for (int i = 0; i < 200; i++) {
      times.learn(1 + i % 8, 11_000_000L * (1 + i % 8));
    }
    assertThat(times.worthwhile(8)).isEqualTo(1);
    for (int i = 0; i < 5_000; i++) {
      times.learn(1, 11_000_000);
    }

    assertThat(times.worthwhile(8)).isEqualTo(8);
  }
}
