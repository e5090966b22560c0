package dev.fovea.bench;

import dev.fovea.call.Clock;
import dev.fovea.engine.Agreement;
import dev.fovea.engine.Engine;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ModelRows;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.Interaction;
import dev.fovea.model.ModelFamily;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.ServableModel;
import java.nio.file.Path;

/// Runs 1,000 rows of every shipped model on a real Triton and in this process: alone, where bytes
/// must be equal, and in batches of 1 to the model's largest, shuffled and from several callers at
/// once.
final class AgreementBench {
  private static final int ROWS = 1000;

  private AgreementBench() {}

  static void run() throws Exception {
    Clock clock = Clock.system();
    boolean agree = true;
    ModelRepository repository = ModelRepository.read(Path.of("model-repository"), "bench");
    try (RealTriton server = RealTriton.start();
        Engine triton = new TritonEngine(TritonSettings.of(server.address(), 256), clock);
        Engine embedded = new OnnxEngine(clock, 256)) {
      for (ModelFamily family : repository.families().values()) {
        for (ServableModel model : family.members().values()) {
          if (model.signature().interaction() != Interaction.ROWS) {
            continue;
          }
          try (Lease there = triton.open(model);
              Lease here = embedded.open(model)) {
            Agreement agreement = new Agreement(there, here, ModelRows.of(model, ROWS, 1));
            int differing = agreement.differingAlone();
            double distance = agreement.distanceTogether(model.signature().maxBatchSize(), 2);
            System.out.printf(
                "%s: alone %d of other bytes; batched, largest distance %.2g%n",
                agreement, differing, distance);
            agree &= differing == 0 && distance <= Agreement.TOLERANCE;
          }
        }
      }
    }
    if (!agree) {
      throw new IllegalStateException("the engines do not agree");
    }
  }
}
