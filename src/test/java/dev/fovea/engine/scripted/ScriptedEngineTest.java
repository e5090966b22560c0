package dev.fovea.engine.scripted;

import dev.fovea.call.Clock;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;

final class ScriptedEngineTest extends EngineContractTest {
  @Override
  protected Engine engine(Clock clock) {
    return new ScriptedEngine(new ContractScript(), clock, QUEUE_SIZE);
  }
}
