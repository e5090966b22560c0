package dev.fovea.engine.scripted;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineKind;
import dev.fovea.engine.Lease;
import dev.fovea.model.ServableModel;

/// An engine that answers by a [Script]. It keeps the whole contract: slots, bounded waiting,
/// deadlines, cancellation and the check of what goes in and out.
public final class ScriptedEngine implements Engine {
  private final Script script;
  private final Clock clock;
  private final int queueSize;

  /// @param queueSize most calls that wait for a slot of one model; beyond that they are refused
  ///   with `QUEUE_FULL`
  public ScriptedEngine(Script script, Clock clock, int queueSize) {
    this.script = script;
    this.clock = clock;
    this.queueSize = queueSize;
  }

  @Override
  public EngineKind kind() {
    return EngineKind.SCRIPTED;
  }

  @Override
  public Lease open(ServableModel model) {
    return new ScriptedLease(model, script, clock, queueSize);
  }

  @Override
  public void close() {}
}
