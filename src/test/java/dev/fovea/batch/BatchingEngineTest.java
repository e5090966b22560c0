package dev.fovea.batch;

import dev.fovea.call.Clock;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.engine.scripted.ScriptedEngine;
import org.junit.jupiter.api.Nested;

/// Batching changes nothing that a caller can tell: the contract holds over every engine.
final class BatchingEngineTest {
  private abstract static class Batching extends EngineContractTest {
    @Override
    protected int queueLimit() {
      return QUEUE_SIZE * ContractModel.MAX_BATCH_SIZE;
    }
  }

  @Nested
  final class OverScripted extends Batching {
    @Override
    protected Engine engine(Clock clock) {
      Engine scripted = new ScriptedEngine(new ContractScript(), clock, QUEUE_SIZE);
      return new BatchingEngine(scripted, clock, QUEUE_SIZE);
    }
  }

  @Nested
  final class OverOnnx extends Batching {
    @Override
    protected Engine engine(Clock clock) {
      return new BatchingEngine(new OnnxEngine(clock, QUEUE_SIZE), clock, QUEUE_SIZE);
    }
  }
}
