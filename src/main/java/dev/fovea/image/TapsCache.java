package dev.fovea.image;

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

  private record Key(ResampleFilter filter, int inSize, int outSize) {}

  // Guarded by itself.
  private final Map<Key, Taps> taps = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  Taps get(ResampleFilter filter, int inSize, int outSize) {
    Key key = new Key(filter, inSize, outSize);
    synchronized (taps) {
      Taps known = taps.get(key);
      if (known != null) {
        return known;
      }
    }
    Taps made = Taps.pillow(filter, inSize, outSize);
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

  /// Memory held at this moment.
  long bytes() {
    synchronized (taps) {
      return bytes;
    }
  }
}
