package dev.fovea.rpc;

import dev.fovea.failure.Outcome;
import dev.fovea.task.Embedding;
import dev.fovea.v1.Item;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;

/// The items of a stream that are with the server: from the moment they are read until their
/// results are sent. Bounded by whoever adds to it. For one thread.
final class EmbedWindow {
  private final boolean ordered;

  /// By sequence, which is the order in which they came.
  private final TreeMap<Long, Entry> entries = new TreeMap<>();

  /// Those that have not begun.
  private final Queue<Entry> waiting = new ArrayDeque<>();

  /// Those that are done, in the order in which they were; only where that is the order of results.
  private final Queue<Entry> done = new ArrayDeque<>();

  private long lastRead;
  private long bytes;
  private int underWay;

  /// @param ordered whether results leave in the order in which items came
  /// @param settled the sequence up to which everything was answered before
  EmbedWindow(boolean ordered, long settled) {
    this.ordered = ordered;
    this.lastRead = settled;
  }

  /// One item.
  static final class Entry {
    private final long sequence;
    private final String id;
    private final int bytes;
    private Optional<Item> item;
    private Optional<Outcome<Embedding>> outcome = Optional.empty();

    private Entry(long sequence, Item item) {
      this.sequence = sequence;
      this.id = item.getId();
      this.bytes = item.getSerializedSize();
      this.item = Optional.of(item);
    }

    long sequence() {
      return sequence;
    }

    String id() {
      return id;
    }

    /// What it holds; until it is done.
    Item item() {
      return item.orElseThrow();
    }

    /// What became of it; once it is done.
    Outcome<Embedding> outcome() {
      return outcome.orElseThrow();
    }
  }

  /// @param sequence greater than any before
  void add(long sequence, Item item) {
    Entry entry = new Entry(sequence, item);
    lastRead = sequence;
    entries.put(sequence, entry);
    waiting.add(entry);
    bytes += entry.bytes;
  }

  /// The first that has not begun.
  Optional<Entry> firstWaiting() {
    return Optional.ofNullable(waiting.peek());
  }

  /// Begins the first that has not.
  void begin() {
    waiting.remove();
    underWay++;
  }

  /// One that had begun has to begin anew.
  void postpone(Entry entry) {
    underWay--;
    waiting.add(entry);
  }

  /// One that had begun is done: what it held is let go, its result waits to be sent.
  void end(Entry entry, Outcome<Embedding> outcome) {
    underWay--;
    bytes -= entry.bytes;
    entry.item = Optional.empty();
    entry.outcome = Optional.of(outcome);
    if (!ordered) {
      done.add(entry);
    }
  }

  /// Whether there is a result that may be sent.
  boolean hasDone() {
    return ordered
        ? !entries.isEmpty() && isDone(entries.firstEntry().getValue())
        : !done.isEmpty();
  }

  private static boolean isDone(Entry entry) {
    return entry.outcome.isPresent();
  }

  /// Takes out the next item whose result may be sent, which there is.
  Entry takeDone() {
    Entry next = ordered ? entries.firstEntry().getValue() : done.remove();
    entries.remove(next.sequence);
    return next;
  }

  /// Everything up to this sequence has been taken out.
  long settledThrough() {
    return entries.isEmpty() ? lastRead : entries.firstKey() - 1;
  }

  /// Items that are here.
  int size() {
    return entries.size();
  }

  /// Items that have begun and are not done.
  int underWay() {
    return underWay;
  }

  /// Bytes of the items that are not done.
  long bytes() {
    return bytes;
  }
}
