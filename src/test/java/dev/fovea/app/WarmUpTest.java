package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.RequestLimits;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The first calls, on an engine that has no time for them.
@Timeout(60)
final class WarmUpTest {
  @Test
  void familyThatDoesNotAnswerInTimeIsColdUntilItDoes() {
    Slow engine = new Slow();
    try (TestGateway gateway =
        TestGateway.start(Map.of(), clock -> new ScriptedEngine(engine, clock, 256))) {
      WarmUp warmUp =
          new WarmUp("127.0.0.1", gateway.port(), RequestLimits.DEFAULT, Duration.ofMillis(50));
      engine.delay = Duration.ofHours(1);

      warmUp.run(gateway.catalog());
      assertThat(warmUp.cold()).containsExactly("pico");

      engine.delay = Duration.ZERO;
      WarmUp patient = new WarmUp("127.0.0.1", gateway.port(), RequestLimits.DEFAULT);
      patient.run(gateway.catalog());
      assertThat(patient.cold()).isEmpty();
    }
  }

  /// What the server lets nobody ask for, it does not ask for itself.
  @ParameterizedTest
  @CsvSource({
    "max-prompts, 1",
    "max-prompts, 7",
    "max-labels, 1",
    "max-items, 1",
    "max-items, 2",
    "max-text-characters, 1",
    "max-image-pixels, 19199",
    "max-image-side, 159",
    "max-image-bytes, 1000"
  })
  void serverWithNarrowLimitsStartsAndIsWarm(String limit, String value) {
    try (TestGateway gateway = TestGateway.start(Map.of("fovea.limits." + limit, value))) {
      assertThat(gateway.ready()).isTrue();
    }
  }

  private static final class Slow extends UnitVectors {
    private volatile Duration delay = Duration.ZERO;

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      return delay;
    }
  }
}
