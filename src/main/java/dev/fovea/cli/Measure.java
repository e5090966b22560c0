package dev.fovea.cli;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// One line of the table: how often something was right, or a score between 0 and 1.
///
/// @param name what was measured
/// @param value 0 to 1
/// @param low lower end of the 95 % interval; equal to the value where none is told
/// @param high its upper end, likewise
/// @param cases how many were looked at
/// @param target the least that is aimed at; empty where nothing is
record Measure(
    String name, double value, double low, double high, int cases, OptionalDouble target) {
  private static final double Z = 1.959964;

  /// A share, with its interval after Wilson (1927).
  static Measure share(String name, long right, int cases, OptionalDouble target) {
    if (cases == 0) {
      return new Measure(name, 0, 0, 1, 0, target);
    }
    double p = (double) right / cases;
    double spread = Z * Z / cases;
    double middle = (p + spread / 2) / (1 + spread);
    double reach = Z * Math.sqrt(p * (1 - p) / cases + spread / (4 * cases)) / (1 + spread);
    return new Measure(
        name, p, Math.max(0, middle - reach), Math.min(1, middle + reach), cases, target);
  }

  /// A score that is no share of cases.
  static Measure score(String name, double value, int cases, OptionalDouble target) {
    return new Measure(name, value, value, value, cases, target);
  }

  /// The area under the curve of right over false alarms: how often one with the thing has a higher
  /// score than one without, equal scores half (Mann and Whitney 1947).
  static double areaUnderCurve(List<Double> with, List<Double> without) {
    double wins = 0;
    double[] sorted = without.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    for (double score : with) {
      wins += (below(sorted, score) + atMost(sorted, score)) / 2.0;
    }
    return wins / ((double) with.size() * without.size());
  }

  private static int below(double[] sorted, double value) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) / 2;
      if (sorted[middle] < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static int atMost(double[] sorted, double value) {
    return below(sorted, Math.nextUp(value));
  }

  /// The mean over classes of F1 = 2 hits ÷ (true + guessed).
  ///
  /// @param truth the class of each case
  /// @param guessed what it was taken for
  /// @param classes which classes count, as far as they occur
  static double macroF1(List<String> truth, List<String> guessed, List<String> classes) {
    double sum = 0;
    List<String> seen = classes.stream().filter(truth::contains).toList();
    for (String name : seen) {
      int hits = 0;
      int all = 0;
      for (int i = 0; i < truth.size(); i++) {
        boolean is = truth.get(i).equals(name);
        boolean said = guessed.get(i).equals(name);
        hits += is && said ? 1 : 0;
        all += (is ? 1 : 0) + (said ? 1 : 0);
      }
      sum += 2.0 * hits / all;
    }
    return seen.isEmpty() ? 0 : sum / seen.size();
  }

  /// Whether it is what is aimed at; true where nothing is.
  boolean isMet() {
    return target.isEmpty() || value >= target.getAsDouble();
  }

  private String interval() {
    return low == high ? "" : String.format(Locale.ROOT, "%.3f–%.3f", low, high);
  }

  /// The value and its interval, for a table of several models.
  String figure() {
    String value = String.format(Locale.ROOT, "%.3f", this.value);
    return low == high ? value : value + " (" + interval() + ")";
  }

  /// As a line of a Markdown table.
  String row() {
    return String.format(
        Locale.ROOT,
        "| %s | %.3f | %s | %d | %s |",
        name,
        value,
        interval(),
        cases,
        target.isEmpty()
            ? ""
            : String.format(
                Locale.ROOT, "≥ %.2f%s", target.getAsDouble(), isMet() ? "" : ", missed"));
  }
}
