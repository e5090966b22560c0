package dev.fovea.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RejectionMarginTest {
  private final RejectionMargin margin = new RejectionMargin(List.of(0.5f, 0.25f), 0.2);

  @ParameterizedTest
  @CsvSource({"0.69, true", "0.71, false"})
  void bestCosineLeadsOverTheMeanOfAllThatIsKnown(double best, boolean rejected) {
    assertThat(margin.rejects(new float[] {1, 0}, best)).isEqualTo(rejected);
  }

  @ParameterizedTest
  @CsvSource({"0.44, true", "0.46, false"})
  void anImageThatIsLikeEverythingNeedsMoreThanOneThatIsLikeLittle(double best, boolean rejected) {
    assertThat(margin.rejects(new float[] {0, 1}, best)).isEqualTo(rejected);
  }

  @Test
  void lengthOfTheImagesVectorMakesNoDifference() {
    assertThat(margin.rejects(new float[] {20, 0}, 0.69)).isTrue();
    assertThat(margin.rejects(new float[] {20, 0}, 0.71)).isFalse();
  }
}
