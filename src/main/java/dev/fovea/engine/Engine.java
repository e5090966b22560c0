package dev.fovea.engine;

import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.ServableModel;

/// Runs models. Thread-safe.
public interface Engine extends AutoCloseable {
  EngineKind kind();

  /// What runs the models, and which version of it, in words for an operator.
  default String description() {
    return kind().name();
  }

  /// Loads a model and makes it ready to be run. An engine whose models are loaded elsewhere gives
  /// the lease in any case: it is not ready until the model is, and [Lease#faults] tells what does
  /// not fit.
  ///
  /// @throws FaultyConfigurationException when the model file cannot be loaded or is not what the
  ///   model's signature says
  Lease open(ServableModel model);

  /// Releases what the engine itself holds. Leases are closed first, by whoever opened them.
  @Override
  void close();
}
