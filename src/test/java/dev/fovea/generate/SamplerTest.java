package dev.fovea.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.generate.GenerationOptions.Sampling;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class SamplerTest {
  private static final float[] LOGITS = {1, 3, 2, 3, -1};

  private static int draws(Sampling sampling, int token, int draws) {
    int count = 0;
    Sampler sampler = new Sampler(sampling);
    for (int i = 0; i < draws; i++) {
      count += sampler.next(LOGITS, null) == token ? 1 : 0;
    }
    return count;
  }

  private static Set<Integer> drawn(Sampling sampling) {
    Sampler sampler = new Sampler(sampling);
    Set<Integer> drawn = new HashSet<>();
    for (int i = 0; i < 5_000; i++) {
      drawn.add(sampler.next(LOGITS, null));
    }
    return drawn;
  }

  @Test
  void greedyTakesTheFirstOfTheLikeliest() {
    assertThat(new Sampler(Sampling.GREEDY).next(LOGITS, null)).isEqualTo(1);
  }

  @Test
  void takesNothingThatIsNotAllowed() {
    BitSet allowed = new BitSet();
    allowed.set(0);
    allowed.set(4);

    assertThat(new Sampler(Sampling.GREEDY).next(LOGITS, allowed)).isZero();
    Sampler hot = new Sampler(new Sampling(100, 0, 1, 0, 1, 5));
    for (int i = 0; i < 1_000; i++) {
      assertThat(hot.next(LOGITS, allowed)).isIn(0, 4);
    }
  }

  @Test
  void drawsByTheProbabilitiesOfTheTemperature() {
    double sum = 0;
    for (float logit : LOGITS) {
      sum += Math.exp(logit / 2);
    }
    assertThat(draws(new Sampling(2, 0, 1, 0, 1, 7), 2, 20_000) / 20_000.0)
        .isCloseTo(Math.exp(1) / sum, within(0.02));
  }

  @Test
  void equalSeedsDrawEqualTokensAndOthersDoNot() {
    List<List<Integer>> runs =
        List.of(1L, 1L, 2L).stream()
            .map(seed -> {
              Sampler sampler = new Sampler(new Sampling(1, 0, 1, 0, 1, seed));
              return IntStream.range(0, 50).mapToObj(_ -> sampler.next(LOGITS, null)).toList();
            })
            .toList();

    assertThat(runs.get(0)).isEqualTo(runs.get(1)).isNotEqualTo(runs.get(2));
  }

  @Test
  void narrowsToTheLikeliest() {
    assertThat(drawn(new Sampling(1, 2, 1, 0, 1, 3))).containsExactlyInAnyOrder(1, 3);
    assertThat(drawn(new Sampling(1, 0, 0.3, 0, 1, 3))).containsExactly(1);
    assertThat(drawn(new Sampling(1, 0, 0.7, 0, 1, 3))).containsExactlyInAnyOrder(1, 3);
    assertThat(drawn(new Sampling(1, 0, 1, 0.3, 1, 3))).containsExactlyInAnyOrder(1, 2, 3);
    assertThat(drawn(new Sampling(1, 0, 1, 0, 1, 3))).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
  }

  @Test
  void penaltyMakesWhatWasThereLessLikely() {
    Sampler sampler = new Sampler(new Sampling(0, 0, 1, 0, 2, 0));
    sampler.saw(1);
    sampler.saw(3);
    assertThat(sampler.next(LOGITS, null)).isEqualTo(2);
    Sampler negative = new Sampler(new Sampling(0, 0, 1, 0, 10, 0));
    negative.saw(0);
    assertThat(negative.next(new float[] {-1, -5}, null)).isEqualTo(1);
  }
}
