package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.Regular.CodePoints;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A regular language as a deterministic automaton over the bytes of UTF-8. State 0 is the start;
/// from every state some accepting one can be reached. Immutable.
///
/// Built by Thompson's construction, then the subset construction, within a budget: a language that
/// needs more is refused, before it costs much.
final class Automaton {
  /// States of the result.
  static final int MAX_STATES = 4096;

  /// States of the nondeterministic automaton.
  private static final int MAX_NODES = 50_000;

  /// Nodes that the subset construction looks at.
  private static final long MAX_WORK = 20_000_000;

  static final int NOWHERE = -1;

  /// The class of each byte: bytes that no state tells apart are of one class.
  private final int[] classOf;

  private final int classes;
  private final int[] next;
  private final BitSet accepting;

  private Automaton(int[] classOf, int classes, int[] next, BitSet accepting) {
    this.classOf = classOf;
    this.classes = classes;
    this.next = next;
    this.accepting = accepting;
  }

  /// @throws GatewayException with `CONSTRAINT_TOO_COMPLEX`
  static Automaton of(Regular language) {
    Nodes nodes = new Nodes();
    int accept = nodes.add();
    int start = nodes.build(language, accept);
    return nodes.determine(start, accept);
  }

  private static GatewayException tooComplex() {
    return GatewayException.invalid(
            Reason.CONSTRAINT_TOO_COMPLEX, "constraint", "its automaton", "a smaller one")
        .with("maxStates", MAX_STATES);
  }

  int states() {
    return next.length / classes;
  }

  /// Where a byte leads; [#NOWHERE] when it must not come.
  int next(int state, byte b) {
    return state < 0 ? NOWHERE : next[state * classes + classOf[b & 0xFF]];
  }

  int next(int state, byte[] bytes) {
    int at = state;
    for (int i = 0; i < bytes.length && at >= 0; i++) {
      at = next(at, bytes[i]);
    }
    return at;
  }

  boolean accepts(int state) {
    return state >= 0 && accepting.get(state);
  }

  /// Whether nothing may follow.
  boolean isOver(int state) {
    for (int c = 0; c < classes; c++) {
      if (next[state * classes + c] >= 0) {
        return false;
      }
    }
    return true;
  }

  /// The nondeterministic automaton while it is built, from the end to the start.
  private static final class Nodes {
    /// Of each node: triples of lowest byte, highest byte, target. The lowest byte of a way that
    /// takes no byte is -1.
    private final List<int[]> ways = new ArrayList<>();

    private final BitSet borders = new BitSet();

    int add(int... triples) {
      if (ways.size() >= MAX_NODES) {
        throw tooComplex();
      }
      ways.add(triples);
      return ways.size() - 1;
    }

    private int bytes(int low, int high, int target) {
      borders.set(low);
      borders.set(high + 1);
      return add(low, high, target);
    }

    private int both(int one, int other) {
      return add(-1, -1, one, -1, -1, other);
    }

    /// @return the node from which the language leads to `target`
    int build(Regular language, int target) {
      return switch (language) {
        case Regular.Literal(String text) -> {
          byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
          int at = target;
          for (int i = bytes.length - 1; i >= 0; i--) {
            at = bytes(bytes[i] & 0xFF, bytes[i] & 0xFF, at);
          }
          yield at;
        }
        case Regular.OneOf(CodePoints set) -> characters(set, target);
        case Regular.Concatenation(List<Regular> parts) -> {
          int at = target;
          for (Regular part : parts.reversed()) {
            at = build(part, at);
          }
          yield at;
        }
        case Regular.Union(List<Regular> choices) -> {
          int[] triples = new int[3 * choices.size()];
          for (int i = 0; i < choices.size(); i++) {
            triples[3 * i] = -1;
            triples[3 * i + 1] = -1;
            triples[3 * i + 2] = build(choices.get(i), target);
          }
          yield add(triples);
        }
        case Regular.Repeat(Regular part, int least, int most) -> {
          int at = target;
          if (most < 0) {
            int loop = both(target, target);
            int once = build(part, loop);
            ways.get(loop)[5] = once;
            at = loop;
          } else {
            for (int i = least; i < most; i++) {
              at = both(target, build(part, at));
            }
          }
          for (int i = 0; i < least; i++) {
            at = build(part, at);
          }
          yield at;
        }
      };
    }

    private int characters(CodePoints set, int target) {
      List<Integer> starts = new ArrayList<>();
      for (int[] range : set.ranges()) {
        utf8(range[0], range[1], target, starts);
      }
      int[] triples = new int[3 * starts.size()];
      for (int i = 0; i < starts.size(); i++) {
        triples[3 * i] = -1;
        triples[3 * i + 1] = -1;
        triples[3 * i + 2] = starts.get(i);
      }
      return add(triples);
    }

    /// Splits a range of characters into ranges whose encodings differ in whole ranges of bytes (as
    /// the utf8-ranges library does).
    private void utf8(int low, int high, int target, List<Integer> starts) {
      for (int limit : new int[] {0x7F, 0x7FF, 0xFFFF}) {
        if (low <= limit && high > limit) {
          utf8(low, limit, target, starts);
          utf8(limit + 1, high, target, starts);
          return;
        }
      }
      for (int i = 1; i < 4 && high > 0x7F; i++) {
        int mask = (1 << (6 * i)) - 1;
        if ((low & ~mask) != (high & ~mask)) {
          if ((low & mask) != 0) {
            utf8(low, low | mask, target, starts);
            utf8((low | mask) + 1, high, target, starts);
            return;
          }
          if ((high & mask) != mask) {
            utf8(low, (high & ~mask) - 1, target, starts);
            utf8(high & ~mask, high, target, starts);
            return;
          }
        }
      }
      byte[] from = encoded(low);
      byte[] to = encoded(high);
      int at = target;
      for (int i = from.length - 1; i >= 0; i--) {
        at = bytes(from[i] & 0xFF, to[i] & 0xFF, at);
      }
      starts.add(at);
    }

    private static byte[] encoded(int codePoint) {
      return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
    }

    Automaton determine(int start, int accept) {
      borders.set(0);
      int[] classOf = new int[256];
      int classes = 0;
      for (int b = 0; b < 256; b++) {
        classes += borders.get(b) ? 1 : 0;
        classOf[b] = classes - 1;
      }
      int[] firstOfClass = borders.stream().filter(b -> b < 256).toArray();
      Map<BitSet, Integer> ids = new HashMap<>();
      Deque<BitSet> open = new ArrayDeque<>();
      List<int[]> rows = new ArrayList<>();
      BitSet accepting = new BitSet();
      BitSet first = new BitSet();
      first.set(start);
      long work = number(close(first), ids, open);
      while (!open.isEmpty()) {
        BitSet set = open.remove();
        int id = rows.size();
        accepting.set(id, set.get(accept));
        int[] row = new int[classes];
        for (int c = 0; c < classes; c++) {
          BitSet reached = step(set, firstOfClass[c]);
          work += set.cardinality() + (reached.isEmpty() ? 0 : reached.length() / 64);
          if (work > MAX_WORK) {
            throw tooComplex();
          }
          row[c] = reached.isEmpty() ? NOWHERE : number(close(reached), ids, open);
        }
        rows.add(row);
      }
      int[] next = new int[rows.size() * classes];
      for (int id = 0; id < rows.size(); id++) {
        System.arraycopy(rows.get(id), 0, next, id * classes, classes);
      }
      return new Automaton(classOf, classes, next, accepting);
    }

    private static int number(BitSet set, Map<BitSet, Integer> ids, Deque<BitSet> open) {
      Integer known = ids.get(set);
      if (known != null) {
        return known;
      }
      if (ids.size() >= MAX_STATES) {
        throw tooComplex();
      }
      ids.put(set, ids.size());
      open.add(set);
      return ids.size() - 1;
    }

    private BitSet step(BitSet set, int b) {
      BitSet reached = new BitSet();
      for (int node = set.nextSetBit(0); node >= 0; node = set.nextSetBit(node + 1)) {
        int[] triples = ways.get(node);
        for (int i = 0; i < triples.length; i += 3) {
          if (triples[i] >= 0 && triples[i] <= b && b <= triples[i + 1]) {
            reached.set(triples[i + 2]);
          }
        }
      }
      return reached;
    }

    /// Follows the ways that take no byte.
    private BitSet close(BitSet set) {
      Deque<Integer> open = new ArrayDeque<>();
      set.stream().forEach(open::add);
      while (!open.isEmpty()) {
        int[] triples = ways.get(open.remove());
        for (int i = 0; i < triples.length; i += 3) {
          if (triples[i] < 0 && !set.get(triples[i + 2])) {
            set.set(triples[i + 2]);
            open.add(triples[i + 2]);
          }
        }
      }
      return set;
    }
  }
}
