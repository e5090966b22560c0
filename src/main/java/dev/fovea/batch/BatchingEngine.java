package dev.fovea.batch;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineKind;
import dev.fovea.engine.Lease;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;

/// An engine that joins the rows of many calls into batches, as [dev.fovea.model.BatchPolicy] says,
/// and lets another engine run them. Callers cannot tell: rows are independent, and each call gets
/// its own answers.
///
/// When an instance is free it takes what is waiting, by priority, then earliest deadline, one
/// bucket of equal shapes at a time. Callers that have gone and deadlines that have passed never
/// reach the engine. A batch that breaks is run again in halves until the row that breaks it is
/// alone; the others are answered.
public final class BatchingEngine implements Engine {
  private final Engine engine;
  private final Clock clock;
  private final int maxBatches;

  /// @param engine runs the batches; closed with this one
  /// @param clock measures waits and run times
  /// @param maxBatches how many full batches of one model may wait; calls whose rows would be more
  ///   are refused with `QUEUE_FULL`
  public BatchingEngine(Engine engine, Clock clock, int maxBatches) {
    if (maxBatches < 1) {
      throw new IllegalArgumentException("maxBatches: " + maxBatches + " (expected: > 0)");
    }
    this.engine = engine;
    this.clock = clock;
    this.maxBatches = maxBatches;
  }

  @Override
  public EngineKind kind() {
    return engine.kind();
  }

  @Override
  public String description() {
    return engine.description();
  }

  @Override
  public Lease open(ServableModel model) {
    if (model.signature().interaction() != Interaction.ROWS) {
      // Steps of sequences are batched by the engine, if at all: its state goes with them.
      return engine.open(model);
    }
    int maxRows = Math.multiplyExact(maxBatches, model.signature().maxBatchSize());
    return BatchingLease.start(engine.open(model), clock, maxRows);
  }

  @Override
  public void close() {
    engine.close();
  }
}
