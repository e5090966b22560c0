package dev.fovea.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.fovea.failure.Outcome;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToIntFunction;

/// Keeps results by their content, so that none is worked out twice: neither while it is kept nor
/// while it is being worked out.
///
/// When it is full, what was used least and longest ago makes room (the window TinyLFU of
/// Caffeine); a result that is larger than the whole is not kept. Results under way are bounded by
/// the calls that work them out. Thread-safe.
///
/// @param <V> a result; shared by all who find it, so it must not change
public final class ResultCache<V> {
  /// Bytes that an entry takes besides its value, about: key, table and the lists of the policy.
  private static final int ENTRY_BYTES = ContentKey.BYTES + 160;

  private final Cache<ContentKey, V> kept;

  /// What is being worked out. A value is kept before its flight is taken out of here, so whoever
  /// finds neither of the two is the first.
  private final ConcurrentMap<ContentKey, Flight<V>> underWay = new ConcurrentHashMap<>();

  private final LongAdder hits = new LongAdder();
  private final LongAdder joins = new LongAdder();
  private final LongAdder misses = new LongAdder();

  /// @param maxBytes bytes of all that is kept
  /// @param bytesOf bytes of one result
  public ResultCache(long maxBytes, ToIntFunction<V> bytesOf) {
    this.kept =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes)
            .weigher((ContentKey _, V value) -> ENTRY_BYTES + bytesOf.applyAsInt(value))
            .executor(Runnable::run)
            .recordStats()
            .build();
  }

  /// What there is for a key.
  ///
  /// @param <V> a result
  public sealed interface Claim<V> {
    /// The result itself.
    record Hit<V>(V value) implements Claim<V> {}

    /// Nothing yet: the claimant works it out, and ends or closes the flight in any case.
    record Lead<V>(Flight<V> flight) implements Claim<V> {}

    /// Somebody is at it: the claimant waits. Only after it has ended all that it leads itself, or
    /// two could wait for each other.
    record Follow<V>(Flight<V> flight) implements Claim<V> {}
  }

  /// What has happened so far.
  ///
  /// @param hits results that were there
  /// @param joins results that were waited for while another call worked them out
  /// @param misses results that had to be worked out
  /// @param evictions results that made room for others
  public record Counts(long hits, long joins, long misses, long evictions) {}

  /// Finds a result, or who works it out.
  public Claim<V> claim(ContentKey key) {
    V found = kept.getIfPresent(key);
    if (found != null) {
      hits.increment();
      return new Claim.Hit<>(found);
    }
    Flight<V> own = new Flight<>(this, key);
    Flight<V> others = underWay.putIfAbsent(key, own);
    if (others != null) {
      joins.increment();
      return new Claim.Follow<>(others);
    }
    // Between the two looks another flight may have landed.
    found = kept.getIfPresent(key);
    if (found != null) {
      landed(key, own, Optional.of(Outcome.done(found)));
      hits.increment();
      return new Claim.Hit<>(found);
    }
    misses.increment();
    return new Claim.Lead<>(own);
  }

  void landed(ContentKey key, Flight<V> flight, Optional<Outcome<V>> outcome) {
    if (outcome.isPresent() && outcome.get() instanceof Outcome.Done<V>(V value)) {
      kept.put(key, value);
    }
    underWay.remove(key, flight);
    flight.tell(outcome);
  }

  /// What has happened so far; for counters.
  public Counts counts() {
    return new Counts(hits.sum(), joins.sum(), misses.sum(), kept.stats().evictionCount());
  }

  /// Bytes that are kept; for gauges.
  public long bytes() {
    return kept.policy()
        .eviction()
        .flatMap(e -> e.weightedSize().stream().boxed().findFirst())
        .orElse(0L);
  }

  /// Results that are kept; for gauges.
  public long entries() {
    return kept.estimatedSize();
  }

  /// Results that are being worked out; for gauges.
  public int underWay() {
    return underWay.size();
  }
}
