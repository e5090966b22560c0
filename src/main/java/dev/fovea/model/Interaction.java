package dev.fovea.model;

/// How requests reach a model.
public enum Interaction {
  /// Rows that know nothing of each other, one answer each.
  ROWS,
  /// Steps of a sequence: the engine keeps state from one to the next (`sequence_batching`).
  SEQUENCE,
  /// One request, any number of answers (`model_transaction_policy { decoupled: true }`).
  DECOUPLED
}
