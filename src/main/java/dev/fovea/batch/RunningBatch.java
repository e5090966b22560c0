package dev.fovea.batch;

import java.util.List;

/// Rows that run together.
///
/// @param rows in the order in which they are given to the engine
/// @param startNanos when an instance took them
/// @param endNanos when it is expected to be done
record RunningBatch(List<WaitingRow> rows, long startNanos, long endNanos) {
  RunningBatch {
    rows = List.copyOf(rows);
  }

  Bucket bucket() {
    return rows.getFirst().bucket();
  }

  int size() {
    return rows.size();
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
