package dev.fovea.model;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// How the rows of many calls are joined into batches: `dynamic_batching` of a model's
/// `config.pbtxt`, with Triton's meaning. A row is to a gateway what a request of one row is to
/// Triton.
///
/// @param preferredSizes batch sizes to prefer, ascending; empty: none
/// @param maxDelay how long the first row of a batch may wait for others while an instance is idle;
///   zero: not at all
/// @param preserveOrdering rows of a priority run in the order in which they came; otherwise the
///   one with the earliest deadline comes first
/// @param priorityLevels how many priorities there are, 1 the highest; zero: rows are all alike
/// @param defaultPriority the priority of a row that is neither critical nor sheddable
/// @param defaultQueue the bounds of a queue that has none of its own
/// @param queues the bounds of the queues of some priorities
public record BatchPolicy(
    List<Integer> preferredSizes,
    Duration maxDelay,
    boolean preserveOrdering,
    int priorityLevels,
    int defaultPriority,
    Queue defaultQueue,
    Map<Integer, Queue> queues) {
  /// Batches are made of what is there.
  public static final BatchPolicy DEFAULT =
      new BatchPolicy(List.of(), Duration.ZERO, false, 0, 0, Queue.UNBOUNDED, Map.of());

  public BatchPolicy {
    preferredSizes = preferredSizes.stream().sorted().toList();
    requireNonNull(maxDelay, "maxDelay");
    requireNonNull(defaultQueue, "defaultQueue");
    queues = Map.copyOf(queues);
  }

  /// The bounds of the queue of one priority.
  public Queue queue(int priority) {
    return queues.getOrDefault(priority, defaultQueue);
  }

  /// The bounds of a queue. Triton's `allow_timeout_override` has no part in it: the deadline of a
  /// call always ends its wait.
  ///
  /// @param timeout how long a row may wait; zero: as long as its deadline lets it
  /// @param delaysLateRows what happens to a row that waited longer: it goes behind all others of
  ///   its priority; otherwise it is refused
  /// @param maxRows most rows that wait; zero: as many as the server allows
  public record Queue(Duration timeout, boolean delaysLateRows, int maxRows) {
    public static final Queue UNBOUNDED = new Queue(Duration.ZERO, false, 0);

    public Queue {
      requireNonNull(timeout, "timeout");
    }
  }
}
