package dev.fovea.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.fake.FakeClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class StageTimingsTest {
  private final FakeClock clock = new FakeClock();
  private final StageTimings timings = new StageTimings(clock, StageListener.none());

  @Test
  void addsUpTheTimeOfEachStage() {
    for (int i = 0; i < 2; i++) {
      try (StageTimings.Span _ = timings.start(Stage.DECODE)) {
        clock.advance(Duration.ofMillis(3));
      }
    }

    assertThat(timings.nanos(Stage.DECODE)).isEqualTo(6_000_000);
    assertThat(timings.nanos(Stage.BACKEND)).isZero();
  }
}
