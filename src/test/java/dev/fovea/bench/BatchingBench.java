package dev.fovea.bench;

import dev.fovea.batch.Simulation;
import dev.fovea.batch.SimulationTest;

/// The batcher beside fixed windows and an oracle, on a virtual clock: t(n) = 0.39 + 0.074 n ms,
/// batches up to 64, answers of use for 50 ms; then t(n) = 11 n ms, where large batches do not pay.
/// The same figures on every machine.
final class BatchingBench {
  private static final int MAX_SIZE = 64;
  private static final long ALLOWED = 50_000_000;
  private static final double SECONDS = 30;
  private static final double[] LOADS = {0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.25, 1.5, 2, 5, 10};
  private static final long[] WINDOWS = {0, 1, 2, 5, 10};

  private BatchingBench() {}

  static void run() {
    double capacity = Simulation.capacity(Simulation::gpu, MAX_SIZE);
    System.out.printf("capacity %.0f rows a second in full batches%n", capacity);
    System.out.println("answered in time, of capacity; p50 / p99 in ms; mean batch");
    System.out.printf("%6s  %-28s%-28s%s%n", "load", "fovea", "oracle", "best fixed window");
    for (double load : LOADS) {
      System.out.printf(
          "%5.0f%%  %-28s%-28s%s%n",
          100 * load,
          text(run(SimulationTest.fovea(), load, capacity), capacity),
          text(run(Simulation.oracle(Simulation::gpu, MAX_SIZE), load, capacity), capacity),
          bestWindow(load, capacity));
    }
    whereLargeBatchesDoNotPay();
  }

  private static void whereLargeBatchesDoNotPay() {
    double capacity = Simulation.capacity(Simulation::processor, MAX_SIZE);
    System.out.printf(
        "%n11 ms a row, %.0f rows a second in batches of any size%n%6s  %-28s%s%n",
        capacity, "load", "fovea", "as many rows as there are");
    for (double load : new double[] {0.5, 0.7, 0.9}) {
      System.out.printf(
          "%5.0f%%  %-28s%s%n",
          100 * load,
          text(processor(SimulationTest.fovea(), load * capacity), capacity),
          text(processor(Simulation.window(0, MAX_SIZE), load * capacity), capacity));
    }
  }

  private static Simulation.Result processor(Simulation.Batcher batcher, double perSecond) {
    return Simulation.run(batcher, Simulation::processor, perSecond, 200, 200 * ALLOWED, 1);
  }

  private static Simulation.Result run(Simulation.Batcher batcher, double load, double capacity) {
    return Simulation.run(batcher, Simulation::gpu, load * capacity, SECONDS, ALLOWED, 1);
  }

  private static String bestWindow(double load, double capacity) {
    Simulation.Result best = null;
    long bestWindow = 0;
    for (long window : WINDOWS) {
      Simulation.Result result =
          run(Simulation.window(window * 1_000_000, MAX_SIZE), load, capacity);
      if (best == null || result.answeredInTime() > best.answeredInTime()) {
        best = result;
        bestWindow = window;
      }
    }
    return text(best, capacity) + " (" + bestWindow + " ms)";
  }

  private static String text(Simulation.Result result, double capacity) {
    return String.format(
        "%.3f  %.2f / %.2f  %.1f",
        result.answeredInTime() / capacity,
        result.millis(0.5),
        result.millis(0.99),
        result.meanSize());
  }
}
