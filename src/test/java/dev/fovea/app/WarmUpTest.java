package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The first calls, on an engine that has no time for them.
@Timeout(60)
final class WarmUpTest {
  @Test
  void familyThatDoesNotAnswerInTimeIsColdUntilItDoes() {
    Slow engine = new Slow();
    try (TestGateway gateway =
        TestGateway.start(Map.of(), clock -> new ScriptedEngine(engine, clock, 256))) {
      WarmUp warmUp = new WarmUp("127.0.0.1", gateway.port(), Duration.ofMillis(50));
      engine.delay = Duration.ofHours(1);

      warmUp.run(gateway.catalog());
      assertThat(warmUp.cold()).containsExactly("pico");

      engine.delay = Duration.ZERO;
      WarmUp patient = new WarmUp("127.0.0.1", gateway.port());
      patient.run(gateway.catalog());
      assertThat(patient.cold()).isEmpty();
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
