package dev.fovea.engine;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/// Holds one engine's answers against another's, for the same model and the same rows.
///
/// Rows that run alone must give equal bytes. In batches of any size, shuffled and from several
/// callers at once, each must get its own answer, equal but for what the order of additions does.
public final class Agreement {
  /// How far a value of a batch may lie from the value alone; of values above 1, relative to them.
  public static final double TOLERANCE = 1e-5;

  private static final int CALLERS = 4;
  private static final Clock CLOCK = Clock.system();

  private final Lease judged;
  private final Lease reference;
  private final List<Map<String, Tensor>> rows;
  private final Set<String> outputs;
  private final List<Map<String, Tensor>> expected = new ArrayList<>();

  /// @param judged whose answers are checked
  /// @param reference what they are held against
  public Agreement(Lease judged, Lease reference, List<Map<String, Tensor>> rows)
      throws InterruptedException {
    this.judged = judged;
    this.reference = reference;
    this.rows = rows;
    this.outputs =
        reference.model().signature().outputs().stream()
            .map(TensorSpec::name)
            .collect(Collectors.toUnmodifiableSet());
    for (Map<String, Tensor> row : rows) {
      expected.add(infer(reference, List.of(row)).getFirst());
    }
  }

  /// Each row alone.
  ///
  /// @return how many rows have an output of other bytes
  public int differingAlone() throws InterruptedException {
    int differing = 0;
    for (int i = 0; i < rows.size(); i++) {
      Map<String, Tensor> answer = infer(judged, List.of(rows.get(i))).getFirst();
      for (String output : outputs) {
        if (expected.get(i).get(output).data().mismatch(answer.get(output).data()) >= 0) {
          differing++;
          break;
        }
      }
    }
    return differing;
  }

  /// Every row once, shuffled, in batches of 1 to `maxBatch` rows, from several callers.
  ///
  /// @return the largest distance of a value from the one that its row has alone
  public double distanceTogether(int maxBatch, long seed) throws Exception {
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      places.add(i);
    }
    Collections.shuffle(places, new Random(seed));
    Random sizes = new Random(seed);
    List<Callable<Double>> calls = new ArrayList<>();
    for (int from = 0; from < places.size(); ) {
      int to = Math.min(places.size(), from + 1 + sizes.nextInt(maxBatch));
      List<Integer> batch = places.subList(from, to);
      calls.add(() -> distance(batch));
      from = to;
    }
    double largest = 0;
    try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      for (Future<Double> call : callers.invokeAll(calls)) {
        largest = Math.max(largest, call.get());
      }
    }
    return largest;
  }

  private double distance(List<Integer> places) throws InterruptedException {
    List<Map<String, Tensor>> answers = infer(judged, places.stream().map(rows::get).toList());
    double largest = 0;
    for (int i = 0; i < places.size(); i++) {
      for (String output : outputs) {
        float[] own = expected.get(places.get(i)).get(output).toFloats();
        float[] given = answers.get(i).get(output).toFloats();
        for (int k = 0; k < own.length; k++) {
          largest = Math.max(largest, Math.abs(own[k] - given[k]) / Math.max(1, Math.abs(own[k])));
        }
      }
    }
    return largest;
  }

  private List<Map<String, Tensor>> infer(Lease lease, List<Map<String, Tensor>> batch)
      throws InterruptedException {
    InferRequest request =
        new InferRequest(
            batch,
            outputs,
            Deadline.after(CLOCK, Duration.ofSeconds(60)),
            new StageTimings(CLOCK, StageListener.none()));
    List<Map<String, Tensor>> answers = new ArrayList<>();
    for (Outcome<Map<String, Tensor>> outcome : lease.infer(request)) {
      switch (outcome) {
        case Outcome.Done<Map<String, Tensor>>(Map<String, Tensor> answer) -> answers.add(answer);
        case Outcome.Failed<Map<String, Tensor>>(GatewayException refusal) -> throw refusal;
      }
    }
    return answers;
  }

  @Override
  public String toString() {
    return reference.model() + ", " + rows.size() + " rows";
  }
}
