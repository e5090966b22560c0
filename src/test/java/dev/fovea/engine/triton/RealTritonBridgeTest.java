package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.fake.RealTriton;

/// The bridge to a real Triton, which loads the contract model from `src/test/triton/models`.
final class RealTritonBridgeTest extends EngineContractTest {
  @Override
  protected Engine engine(Clock clock) {
    return new TritonEngine(TritonSettings.of(RealTriton.shared().address(), QUEUE_SIZE), clock);
  }
}
