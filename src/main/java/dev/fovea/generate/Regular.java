package dev.fovea.generate;

import java.util.ArrayList;
import java.util.List;

/// A regular language over characters: what choices, regular expressions and schemas are read into.
sealed interface Regular {
  Regular EMPTY = new Concatenation(List.of());

  /// One character of a set.
  record OneOf(CodePoints set) implements Regular {}

  /// Exactly this text.
  record Literal(String text) implements Regular {}

  /// One after the other.
  record Concatenation(List<Regular> parts) implements Regular {}

  /// Any of them.
  record Union(List<Regular> choices) implements Regular {}

  /// Several times.
  ///
  /// @param most -1 for any number of times
  record Repeat(Regular part, int least, int most) implements Regular {}

  static Regular all(Regular... parts) {
    return new Concatenation(List.of(parts));
  }

  static Regular any(Regular... choices) {
    return new Union(List.of(choices));
  }

  static Regular text(String text) {
    return new Literal(text);
  }

  static Regular optional(Regular part) {
    return new Repeat(part, 0, 1);
  }

  /// A set of Unicode scalar values, as ranges in order.
  ///
  /// @param ranges first and last of each
  record CodePoints(List<int[]> ranges) {
    private static final int LAST = Character.MAX_CODE_POINT;

    /// Every character; surrogates are none.
    static final CodePoints ALL =
        new CodePoints(List.of(new int[] {0, 0xD7FF}, new int[] {0xE000, LAST}));

    static CodePoints of(int... firstAndLast) {
      List<int[]> ranges = new ArrayList<>();
      for (int i = 0; i < firstAndLast.length; i += 2) {
        ranges.add(new int[] {firstAndLast[i], firstAndLast[i + 1]});
      }
      return new CodePoints(ranges).tidied();
    }

    CodePoints and(CodePoints other) {
      List<int[]> both = new ArrayList<>(ranges);
      both.addAll(other.ranges);
      return new CodePoints(both).tidied();
    }

    CodePoints without(CodePoints other) {
      List<int[]> left = new ArrayList<>();
      for (int[] range : ranges) {
        int from = range[0];
        for (int[] hole : other.ranges) {
          if (hole[1] >= from && hole[0] <= range[1]) {
            if (hole[0] > from) {
              left.add(new int[] {from, hole[0] - 1});
            }
            from = hole[1] + 1;
          }
        }
        if (from <= range[1]) {
          left.add(new int[] {from, range[1]});
        }
      }
      return new CodePoints(left);
    }

    CodePoints complement() {
      return ALL.without(this);
    }

    /// In order, what touches joined, surrogates left out.
    private CodePoints tidied() {
      List<int[]> sorted = new ArrayList<>(ranges);
      sorted.sort((a, b) -> Integer.compare(a[0], b[0]));
      List<int[]> joined = new ArrayList<>();
      for (int[] range : sorted) {
        int[] last = joined.isEmpty() ? null : joined.getLast();
        if (last != null && range[0] <= last[1] + 1) {
          last[1] = Math.max(last[1], range[1]);
        } else {
          joined.add(range.clone());
        }
      }
      CodePoints surrogates = new CodePoints(List.of(new int[] {0xD800, 0xDFFF}));
      return new CodePoints(joined).without(surrogates);
    }
  }
}
