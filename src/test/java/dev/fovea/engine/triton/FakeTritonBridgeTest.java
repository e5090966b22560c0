package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.fake.FakeTriton;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/// The bridge to a server that is written by hand.
final class FakeTritonBridgeTest extends EngineContractTest {
  private static FakeTriton triton;

  @BeforeAll
  static void startServer() {
    triton = FakeTriton.start(new ContractScript(), ContractModel.servable());
  }

  @AfterAll
  static void stopServer() {
    triton.close();
  }

  @Override
  protected Engine engine(Clock clock) {
    return new TritonEngine(TritonSettings.of(triton.address(), QUEUE_SIZE), clock);
  }
}
