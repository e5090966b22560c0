package dev.fovea.batch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/// When the rows that wait will be answered, if nothing else comes: batches are filled in the order
/// of their first rows, and each goes to the instance that is free first.
final class Forecast {
  /// The time that a batch of a bucket is expected to take, in nanoseconds.
  interface ExpectedTime {
    long of(Bucket bucket, int size);
  }

  private final List<List<WaitingRow>> batches = new ArrayList<>();
  private final List<Long> ends = new ArrayList<>();

  Forecast(
      Iterable<WaitingRow> rows,
      List<RunningBatch> running,
      int slots,
      ToIntFunction<Bucket> largest,
      ExpectedTime expected,
      long now) {
    fill(rows, largest);
    long[] free = new long[slots];
    Arrays.fill(free, now);
    for (int i = 0; i < running.size(); i++) {
      free[i] = now + Math.max(0, running.get(i).endNanos() - now);
    }
    for (List<WaitingRow> batch : batches) {
      int first = 0;
      for (int slot = 1; slot < slots; slot++) {
        first = free[slot] - free[first] < 0 ? slot : first;
      }
      free[first] += expected.of(batch.getFirst().bucket(), batch.size());
      ends.add(free[first]);
    }
  }

  private void fill(Iterable<WaitingRow> rows, ToIntFunction<Bucket> largest) {
    Map<Bucket, List<WaitingRow>> open = new HashMap<>();
    Map<Bucket, Integer> sizes = new HashMap<>();
    for (WaitingRow row : rows) {
      List<WaitingRow> batch = open.get(row.bucket());
      int size = sizes.computeIfAbsent(row.bucket(), largest::applyAsInt);
      if (batch == null || batch.size() == size) {
        batch = new ArrayList<>();
        open.put(row.bucket(), batch);
        batches.add(batch);
      }
      batch.add(row);
    }
  }

  /// Rows of a priority, or a higher one, that will be answered too late.
  int lateRows(int priority) {
    int late = 0;
    for (int i = 0; i < batches.size(); i++) {
      long end = ends.get(i);
      for (WaitingRow row : batches.get(i)) {
        if (row.priority() <= priority && end - row.deadlineNanos() > 0) {
          late++;
        }
      }
    }
    return late;
  }
}
