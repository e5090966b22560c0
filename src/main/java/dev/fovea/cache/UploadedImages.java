package dev.fovea.cache;

import static java.util.Objects.requireNonNull;

import dev.fovea.call.Caller;
import dev.fovea.call.Clock;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Images that callers have uploaded and name by handles. Each is its caller's own: to every other
/// caller its handle is as good as none.
///
/// A handle is a promise until its time: nothing is dropped early. When there is no room, the next
/// upload is refused and told when room is going to come, and the caller may still send the image
/// with its request. A store that made room by itself would let one caller drive out another's
/// images, and would break calls that rely on a handle just when there is most to do. That is why
/// this is no cache of a library: it never evicts, and counts each byte before it is kept.
///
/// What has expired is dropped whenever the store is touched, the reading of its gauges included.
/// Thread-safe.
public final class UploadedImages {
  private static final int HANDLE_BYTES = 18;
  private static final Duration SHORTEST_RETRY = Duration.ofSeconds(1);

  private final UploadLimits limits;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  /// What is kept, in the order in which it expires: all of it lives equally long. Guarded by
  /// `this`, as is everything below.
  private final Map<Key, Kept> kept = new LinkedHashMap<>();

  /// What each caller takes up. A caller that takes up nothing is not in it.
  private final Map<Caller, Usage> usages = new HashMap<>();

  private final Usage all = new Usage();
  private long hits;
  private long misses;
  private long expirations;
  private long refusals;

  public UploadedImages(UploadLimits limits, Clock clock) {
    this.limits = requireNonNull(limits, "limits");
    this.clock = requireNonNull(clock, "clock");
  }

  private record Key(Caller caller, String handle) {}

  private record Kept(UploadedImage image, long expiresAtNanos) {}

  /// What something takes up now, uploads under way included.
  private static final class Usage {
    private int images;
    private long bytes;

    void add(int images, long bytes) {
      this.images += images;
      this.bytes += bytes;
    }
  }

  /// What has happened so far.
  ///
  /// @param hits handles that were found
  /// @param misses handles that were not
  /// @param expirations images whose time was over
  /// @param refusals uploads that there was no room for
  public record Counts(long hits, long misses, long expirations, long refusals) {}

  /// Begins an upload; the caller closes it.
  ///
  /// @param expectedBytes bytes that are going to come, 0 where that is not known. Not set aside,
  ///   for they may never come: asked only so that a hopeless upload is refused before it is sent
  /// @throws GatewayException with `IMAGE_STORE_FULL`
  public synchronized Upload begin(Caller caller, long expectedBytes) {
    dropExpired();
    requireRoom(caller, 1, expectedBytes);
    charge(caller, 1, 0);
    return new Upload(this, caller);
  }

  /// The image that a handle stands for, to this caller.
  public synchronized Optional<UploadedImage> find(Caller caller, String handle) {
    dropExpired();
    Kept found = kept.get(new Key(caller, handle));
    if (found == null) {
      misses++;
      return Optional.empty();
    }
    hits++;
    return Optional.of(found.image());
  }

  /// Forgets an image. Those who read it may go on.
  ///
  /// @return whether there was one
  public synchronized boolean delete(Caller caller, String handle) {
    dropExpired();
    Kept found = kept.remove(new Key(caller, handle));
    if (found == null) {
      return false;
    }
    release(caller, 1, found.image().bytes().remaining());
    return true;
  }

  /// Images that are kept or on their way; for gauges.
  public synchronized int images() {
    dropExpired();
    return all.images;
  }

  /// Bytes that are kept or on their way; for gauges.
  public synchronized long bytes() {
    dropExpired();
    return all.bytes;
  }

  /// What has happened so far; for counters.
  public synchronized Counts counts() {
    dropExpired();
    return new Counts(hits, misses, expirations, refusals);
  }

  /// How much may be kept.
  public UploadLimits limits() {
    return limits;
  }

  /// Makes room for more bytes of an upload, or refuses.
  synchronized void grow(Caller caller, long bytes) {
    dropExpired();
    requireRoom(caller, 0, bytes);
    charge(caller, 0, bytes);
  }

  /// Keeps what has been uploaded; what it takes up is charged already.
  synchronized UploadedImage keep(Caller caller, ByteBuffer bytes) {
    byte[] secret = new byte[HANDLE_BYTES];
    random.nextBytes(secret);
    String handle = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    UploadedImage image = new UploadedImage(handle, bytes, clock.now().plus(limits.timeToLive()));
    kept.put(
        new Key(caller, handle), new Kept(image, clock.nanoTime() + limits.timeToLive().toNanos()));
    return image;
  }

  synchronized void release(Caller caller, int images, long bytes) {
    charge(caller, -images, -bytes);
  }

  private void charge(Caller caller, int images, long bytes) {
    all.add(images, bytes);
    Usage usage = usages.computeIfAbsent(caller, _ -> new Usage());
    usage.add(images, bytes);
    if (usage.images == 0) {
      usages.remove(caller);
    }
  }

  private void requireRoom(Caller caller, int images, long bytes) {
    Usage own = usages.getOrDefault(caller, new Usage());
    requireRoom(caller, "caller", "maxImages", own.images, images, limits.maxImagesPerCaller());
    requireRoom(caller, "caller", "maxBytes", own.bytes, bytes, limits.maxBytesPerCaller());
    requireRoom(caller, "server", "maxImages", all.images, images, limits.maxImages());
    requireRoom(caller, "server", "maxBytes", all.bytes, bytes, limits.maxBytes());
  }

  private void requireRoom(
      Caller caller, String scope, String limit, long taken, long more, long most) {
    if (more <= most - taken) {
      return;
    }
    refusals++;
    boolean own = scope.equals("caller");
    throw new GatewayException(
            Reason.IMAGE_STORE_FULL,
            "no room for %s: %d of %d %s are taken"
                .formatted(
                    own ? "one more image of this caller" : "one more image",
                    taken,
                    most,
                    limit.equals("maxImages") ? "images" : "bytes"))
        .with("scope", scope)
        .with(limit, most)
        .retryAfter(untilRoomComes(own ? Optional.of(caller) : Optional.empty()));
  }

  /// Until the first image expires whose bytes would be of help. One second where none is kept:
  /// then all there is is on its way, and may still fail.
  private Duration untilRoomComes(Optional<Caller> owner) {
    for (Map.Entry<Key, Kept> entry : kept.entrySet()) {
      if (owner.isEmpty() || owner.get().equals(entry.getKey().caller())) {
        Duration left = Duration.ofNanos(entry.getValue().expiresAtNanos() - clock.nanoTime());
        return left.compareTo(SHORTEST_RETRY) > 0 ? left : SHORTEST_RETRY;
      }
    }
    return SHORTEST_RETRY;
  }

  private void dropExpired() {
    long now = clock.nanoTime();
    Iterator<Map.Entry<Key, Kept>> oldestFirst = kept.entrySet().iterator();
    while (oldestFirst.hasNext()) {
      Map.Entry<Key, Kept> entry = oldestFirst.next();
      if (entry.getValue().expiresAtNanos() - now > 0) {
        return;
      }
      oldestFirst.remove();
      charge(entry.getKey().caller(), -1, -entry.getValue().image().bytes().remaining());
      expirations++;
    }
  }
}
