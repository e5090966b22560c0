package dev.fovea.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.ContractModel;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What batching is for, on a virtual clock: every figure is exact, whatever the machine does.
public final class SimulationTest {
  static final int MAX_SIZE = 64;
  static final long ALLOWED = 50_000_000;
  static final double SECONDS = 20;
  static final double CAPACITY = Simulation.capacity(Simulation::gpu, MAX_SIZE);

  /// One instance of a model of batches up to 64.
  public static Simulation.Batcher fovea() {
    Signature signature = ContractModel.signature();
    ServableModel model =
        ContractModel.servable(
            new Signature(signature.inputs(), signature.outputs(), MAX_SIZE), BatchPolicy.DEFAULT);
    return Simulation.fovea(new BatchScheduler(model, 1, 64 * MAX_SIZE));
  }

  private static Simulation.Result run(Simulation.Batcher batcher, double load) {
    return Simulation.run(batcher, Simulation::gpu, load * CAPACITY, SECONDS, ALLOWED, 1);
  }

  private static double bestWindow(double load) {
    double best = 0;
    for (long millis : new long[] {0, 1, 2, 5, 10}) {
      Simulation.Batcher window = Simulation.window(millis * 1_000_000, MAX_SIZE);
      best = Math.max(best, run(window, load).answeredInTime());
    }
    return best;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.3, 0.5, 0.7, 0.9, 1.0})
  void answersAsManyInTimeAsTheBestFixedWindow(double load) {
    assertThat(run(fovea(), load).answeredInTime()).isGreaterThanOrEqualTo(0.99 * bestWindow(load));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.1, 1.25, 1.5})
  void aboveSaturationAnswersMoreInTimeThanAnyFixedWindow(double load) {
    Simulation.Result result = run(fovea(), load);

    assertThat(result.answeredInTime()).isGreaterThan(bestWindow(load));
    assertThat(result.answeredInTime()).isGreaterThanOrEqualTo(0.95 * CAPACITY);
  }

  @Test
  void aLightLoadHardlyWaits() {
    double alone = Simulation.gpu(1) / Simulation.MILLI;

    assertThat(run(fovea(), 0.1).millis(0.5))
        .isLessThanOrEqualTo(
            run(Simulation.oracle(Simulation::gpu, MAX_SIZE), 0.1).millis(0.5) + 0.1);
    assertThat(run(fovea(), 0.01).millis(0.5)).isLessThanOrEqualTo(alone + 0.1);
  }

  @Test
  void theTailIsThatOfSomebodyWhoKnowsTheCurve() {
    double oracle = run(Simulation.oracle(Simulation::gpu, MAX_SIZE), 0.7).millis(0.99);

    assertThat(run(fovea(), 0.7).millis(0.99)).isLessThanOrEqualTo(1.3 * oracle);
  }

  @Test
  void whatIsAnsweredIsAnsweredInTime() {
    Simulation.Result result = run(fovea(), 2);

    assertThat(result.millis(0.999)).isLessThanOrEqualTo(ALLOWED / Simulation.MILLI);
  }

  /// As a processor computes: every row takes as long as alone.
  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.7, 0.9})
  void whereLargeBatchesDoNotPayNobodyWaitsForTheRestOfOne(double load) {
    Simulation.Curve linear = Simulation::processor;
    double perSecond = load * Simulation.capacity(linear, MAX_SIZE);
    long allowed = 10_000_000_000L;
    Simulation.Batcher all = Simulation.window(0, MAX_SIZE);
    Simulation.Result together = Simulation.run(all, linear, perSecond, 200, allowed, 1);
    Simulation.Result result = Simulation.run(fovea(), linear, perSecond, 200, allowed, 1);

    assertThat(result.answeredInTime()).isGreaterThanOrEqualTo(together.answeredInTime());
    assertThat(result.millis(0.5)).isLessThanOrEqualTo(together.millis(0.5));
    assertThat(result.millis(0.99)).isLessThan(0.9 * together.millis(0.99));
  }
}
