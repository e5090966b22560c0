package dev.fovea.cache;

import dev.fovea.call.Deadline;
import dev.fovea.failure.Outcome;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A result that one call works out while others may wait for it. Whoever leads it ends or closes
/// it, whatever happens: others wait no longer than that.
///
/// @param <V> a result
public final class Flight<V> implements AutoCloseable {
  private final ResultCache<V> cache;
  private final ContentKey key;

  /// What came of it; empty when its leader gave up.
  private final CompletableFuture<Optional<Outcome<V>>> landing = new CompletableFuture<>();

  Flight(ResultCache<V> cache, ContentKey key) {
    this.cache = cache;
    this.key = key;
  }

  /// Ends it with what came of it. A value is kept; a refusal is told to those who wait and then
  /// forgotten.
  public void end(Outcome<V> outcome) {
    cache.landed(key, this, Optional.of(outcome));
  }

  /// Gives up, unless it has ended: one of those who wait takes over.
  @Override
  public void close() {
    if (!landing.isDone()) {
      cache.landed(key, this, Optional.empty());
    }
  }

  void tell(Optional<Outcome<V>> outcome) {
    landing.complete(outcome);
  }

  /// Waits for what comes of it; empty when its leader gave up and the result is to be claimed
  /// anew.
  ///
  /// @throws dev.fovea.failure.GatewayException with `DEADLINE_EXCEEDED` when that takes too long
  public Optional<Outcome<V>> await(Deadline deadline) throws InterruptedException {
    try {
      return landing.get(Math.max(0, deadline.remainingNanos()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException _) {
      throw Deadline.exceeded("the answer that another call works out");
    } catch (ExecutionException e) {
      throw new IllegalStateException("a flight never fails", e);
    }
  }
}
