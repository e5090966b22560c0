package dev.fovea.admission;

import dev.fovea.call.Caller;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// What each caller asks for beside what it would get if all were served alike: the max-min fair
/// share, by which nobody who asks for less than that goes without, and those who ask for more
/// divide the rest evenly (Bertsekas and Gallager, Data Networks, 6.5.2).
///
/// Callers are told apart by what they ask for, refused or not, over about a second: how many items
/// of a caller are under way at a moment says little about it, since that is a matter of chance as
/// long as they are few.
///
/// Not thread-safe.
final class FairShares {
  private static final int MOST_CALLERS = 4096;

  /// What was asked for so many windows ago counts so much to that power.
  private static final double FADING = 0.9;

  /// What is less than that, of all windows together, is forgotten.
  private static final double FORGOTTEN = 0.05;

  /// Items that callers asked for, fading; the one that asked longest ago first.
  private final Map<Caller, double[]> asked =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Caller, double[]> eldest) {
          return size() > MOST_CALLERS;
        }
      };

  /// Items that were let in, fading.
  private double served;

  private double share = Double.POSITIVE_INFINITY;
  private double modest;

  /// Counts what a caller asks for.
  void ask(Caller caller, int items) {
    asked.computeIfAbsent(caller, _ -> new double[1])[0] += items;
  }

  /// Counts what was let in.
  void serve(int items) {
    served += items;
  }

  /// Works out the shares anew.
  ///
  /// @param windows that have passed since the last time
  void fade(double windows) {
    double[] demands = asked.values().stream().mapToDouble(demand -> demand[0]).sorted().toArray();
    share = share(demands, served);
    modest = served == 0 ? 0 : Arrays.stream(demands).filter(d -> d <= share).sum() / served;
    double left = Math.pow(FADING, windows);
    served *= left;
    asked.values().removeIf(demand -> (demand[0] *= left) < FORGOTTEN);
  }

  /// The share `s` by which `min(demand, s)` over all callers is what was served; without bound
  /// where all demands are met.
  private static double share(double[] ascending, double served) {
    double left = served;
    for (int i = 0; i < ascending.length; i++) {
      double even = left / (ascending.length - i);
      if (ascending[i] > even) {
        return even;
      }
      left -= ascending[i];
    }
    return Double.POSITIVE_INFINITY;
  }

  /// How much of what can be served goes to callers who ask for less than their share, 0 to 1; 0
  /// where there is enough for all.
  double modest() {
    return share == Double.POSITIVE_INFINITY ? 0 : Math.min(1, modest);
  }

  /// How much more than its share a caller asks for, as a part of the share: 0 for those who do
  /// not, at most 1.
  double excess(Caller caller) {
    double[] demand = asked.get(caller);
    return demand == null || demand[0] <= share ? 0 : Math.min(1, demand[0] / share - 1);
  }
}
