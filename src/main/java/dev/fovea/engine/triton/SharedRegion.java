package dev.fovea.engine.triton;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;

/// Memory that one server maps too, given out in slots. It has a name in the file system only until
/// the server has opened it; afterwards it is there as long as one of the two maps it, and what a
/// process leaves that is killed goes with the server's mapping.
///
/// A slot that the server may still read or write, because nobody waited for its answer, is lost:
/// it is never given out again. Thread-safe.
final class SharedRegion {
  /// Regions of this process, those included that a server has yet to forget: whatever happens, no
  /// more memory than so many times a region's size is ever held.
  static final int MAX_REGIONS = 8;

  private static final Semaphore REGIONS = new Semaphore(MAX_REGIONS);
  private static final long ALIGNMENT = 64;

  private final SharedMemoryOwner owner;
  private final String name;
  private final long size;
  private final Path file;
  private final FileChannel channel;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;

  /// Guarded by `this`, as is everything below: where a gap begins, and how long it is.
  private final NavigableMap<Long, Long> gaps = new TreeMap<>();

  private final Map<Long, Long> used = new HashMap<>();
  private long lost;
  private boolean retired;
  private boolean unmapped;
  private boolean forgotten;
  private boolean disposed;

  /// A part of the region, for one request.
  ///
  /// @param offset where it begins
  /// @param size how long it is
  record Slot(SharedRegion region, long offset, long size) {
    /// Part of the slot's memory.
    ///
    /// @param from in the slot
    MemorySegment memory(long from, long length) {
      return region.memory.asSlice(offset + from, length);
    }

    /// The server is done with it.
    void free() {
      region.end(this, true);
    }

    /// Nobody knows when the server will be done with it.
    void lose() {
      region.end(this, false);
    }
  }

  private SharedRegion(SharedMemoryOwner owner, long size) throws IOException {
    this.owner = owner;
    this.name = owner.newName();
    this.size = size;
    this.file = SharedMemoryOwner.FOLDER.resolve(name);
    this.channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-rw----")));
    this.memory = channel.map(MapMode.READ_WRITE, 0, size, arena);
    gaps.put(0L, size);
  }

  /// A region that has a name and its size, and no memory yet. Whoever makes it says when the
  /// server [#forgotten] it.
  ///
  /// @throws IOException where there can be none now
  static SharedRegion create(long size) throws IOException {
    SharedMemoryOwner owner = SharedMemoryOwner.get();
    if (!REGIONS.tryAcquire()) {
      throw new IOException(MAX_REGIONS + " regions are in use, as many as there may be");
    }
    try {
      return new SharedRegion(owner, size);
    } catch (IOException | RuntimeException | Error e) {
      REGIONS.release();
      throw e;
    }
  }

  /// Regions of this process that are in use, or that a server has yet to forget.
  static int inUse() {
    return MAX_REGIONS - REGIONS.availablePermits();
  }

  /// Its name, with the server and in the file system.
  String name() {
    return name;
  }

  long size() {
    return size;
  }

  /// Takes the name out of the file system: nobody opens it by it any more.
  void unlink() throws IOException {
    Files.deleteIfExists(file);
  }

  /// Takes the memory itself, all of it and now: what the system lacks is found out here, and not
  /// by a signal when a request is written.
  ///
  /// @throws IOException when there is not enough of it
  void fill() throws IOException {
    try (channel) {
      ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
      for (long at = 0; at < size; ) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), size - at));
        at += channel.write(zeros, at);
      }
    }
  }

  /// Room for so many bytes, if there is any in one piece.
  synchronized Optional<Slot> take(long bytes) {
    if (retired) {
      return Optional.empty();
    }
    long length = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    for (Map.Entry<Long, Long> gap : gaps.entrySet()) {
      if (gap.getValue() >= length) {
        long offset = gap.getKey();
        long rest = gap.getValue() - length;
        gaps.remove(offset);
        if (rest > 0) {
          gaps.put(offset + length, rest);
        }
        used.put(offset, length);
        return Optional.of(new Slot(this, offset, bytes));
      }
    }
    return Optional.empty();
  }

  private synchronized void end(Slot slot, boolean free) {
    Long length = used.remove(slot.offset());
    if (length == null) {
      return;
    }
    if (free) {
      join(slot.offset(), length);
    } else {
      lost += length;
    }
    settle();
  }

  /// Makes a gap, and one gap of those that touch it.
  private void join(long offset, long length) {
    Map.Entry<Long, Long> before = gaps.lowerEntry(offset);
    Long after = gaps.remove(offset + length);
    long end = offset + length + (after == null ? 0 : after);
    boolean touches = before != null && before.getKey() + before.getValue() == offset;
    long start = touches ? before.getKey() : offset;
    gaps.put(start, end - start);
  }

  /// Whether so much of it is lost that a new one would serve better.
  synchronized boolean isWorn() {
    return lost > size / 2;
  }

  /// Whether the server has certainly nothing to do with it at this moment.
  synchronized boolean isIdle() {
    return used.isEmpty() && lost == 0;
  }

  /// Gives out no more slots; unmapped when the last one has ended.
  synchronized void retire() {
    retired = true;
    settle();
  }

  /// The server does not map it any more, or is gone.
  synchronized void forgotten() {
    forgotten = true;
    settle();
  }

  private void settle() {
    if (retired && used.isEmpty() && !unmapped) {
      unmapped = true;
      arena.close();
      try {
        channel.close();
      } catch (IOException _) {
        // Nothing was left to be written.
      }
    }
    if (unmapped && forgotten && !disposed) {
      disposed = true;
      owner.release(name);
      REGIONS.release();
    }
  }
}
