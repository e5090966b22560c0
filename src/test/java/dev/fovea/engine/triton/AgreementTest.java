package dev.fovea.engine.triton;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.call.Clock;
import dev.fovea.engine.Agreement;
import dev.fovea.engine.Engine;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ModelRows;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.Interaction;
import dev.fovea.model.ModelFamily;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.ServableModel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// One repository, two engines: every shipped model on a real Triton and in this process. The short
/// form of `./fovea bench agreement`.
@Timeout(120)
final class AgreementTest {
  private static final int ROWS = 60;

  @Test
  void embeddedAndTritonAnswersAgreeForEveryModelOfTheRepository() throws Exception {
    Clock clock = Clock.system();
    ModelRepository repository = ModelRepository.read(Path.of("model-repository"), "test");
    try (Engine triton =
            new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 256), clock);
        Engine embedded = new OnnxEngine(clock, 256)) {
      for (ModelFamily family : repository.families().values()) {
        for (ServableModel model : family.members().values()) {
          if (model.signature().interaction() != Interaction.ROWS) {
            continue;
          }
          try (Lease there = triton.open(model);
              Lease here = embedded.open(model)) {
            Agreement agreement = new Agreement(there, here, ModelRows.of(model, ROWS, 1));
            assertThat(agreement.differingAlone()).as(model.name()).isZero();
            assertThat(agreement.distanceTogether(16, 2))
                .as(model.name())
                .isLessThanOrEqualTo(Agreement.TOLERANCE);
          }
        }
      }
    }
  }

  /// Equal bytes are promised for equal versions of ONNX Runtime alone.
  @Test
  void bothSidesRunOneVersionOfOnnxRuntime() throws Exception {
    try (OnnxEngine embedded = new OnnxEngine(Clock.system(), 1)) {
      assertThat(Files.readString(Path.of("src/test/triton/requirements.txt")))
          .contains("onnxruntime==" + embedded.description().replace("ONNX Runtime ", "") + "\n");
    }
  }
}
