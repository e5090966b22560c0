package dev.fovea.image;

import dev.fovea.kernel.Arithmetic;
import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Taps;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/// The taps of the sizes that were resized lately: images come in few sizes, and a set of taps
/// costs about as much as resizing a small image with it. Bounded in bytes; the longest unused go
/// first.
final class TapsCache {
  private static final long MAX_BYTES = 8 << 20;

  private record Key(
      Arithmetic arithmetic, ResampleFilter filter, int inSize, int outSize, int from, int to) {
    Taps taps() {
      return Taps.of(arithmetic, filter, inSize, outSize, from, to);
    }
  }

  // Guarded by itself.
  private final Map<Key, Taps> taps = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  /// The parameters are those of [Taps#of].
  Taps get(
      Arithmetic arithmetic, ResampleFilter filter, int inSize, int outSize, int from, int to) {
    Key key = new Key(arithmetic, filter, inSize, outSize, from, to);
    synchronized (taps) {
      Taps known = taps.get(key);
      if (known != null) {
        return known;
      }
    }
    Taps made = key.taps();
    keep(key, made);
    return made;
  }

  private void keep(Key key, Taps made) {
    synchronized (taps) {
      if (taps.putIfAbsent(key, made) == null) {
        bytes += made.bytes();
      }
      for (Iterator<Taps> oldest = taps.values().iterator(); bytes > MAX_BYTES; ) {
        bytes -= oldest.next().bytes();
        oldest.remove();
      }
    }
  }
}
