package dev.fovea.app;

/// Who brings the rows of several calls together before a Triton runs them.
enum Batching {
  /// Triton's own dynamic batcher. It takes rows in the order in which they came, and ends a batch
  /// at the first one of another shape.
  TRITON,
  /// This process, as it does for the embedded engine: by shape and deadline.
  GATEWAY
}
