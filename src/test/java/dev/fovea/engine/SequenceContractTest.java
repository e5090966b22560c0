package dev.fovea.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.model.BatchPolicy;
import dev.fovea.model.Interaction;
import dev.fovea.model.Role;
import dev.fovea.model.Sequencing;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What every engine keeps of sequences, judged with the decoder of
/// `src/test/python/step_model.py`.
@Timeout(120)
public abstract class SequenceContractTest {
  protected static final Clock CLOCK = Clock.system();
  protected static final int SEQUENCES = 64;
  private static final int STEPS = 50;

  protected final StageTimings timings = new StageTimings(CLOCK, StageListener.none());

  /// A lease of [#steps]; closed by the caller.
  protected abstract Lease open();

  /// A stepped decoder.
  public static ServableModel steps() {
    TensorSpec token = new TensorSpec("token", DataType.INT64, Shape.of(1));
    return new ServableModel(
        "steps",
        "1",
        "steps",
        Role.VISION,
        Path.of("src/test/resources/models/steps.onnx"),
        new Signature(
            List.of(token),
            List.of(new TensorSpec("logits", DataType.FP32, Shape.of(32))),
            16,
            Interaction.SEQUENCE,
            new Sequencing(
                List.of(state("cache", DataType.FP32, 64, 16), state("length", DataType.INT64, 1)),
                SEQUENCES)),
        BatchPolicy.DEFAULT,
        1,
        0,
        Map.of(),
        "logits",
        List.of(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        Optional.empty());
  }

  /// A tensor that is read as `NAME_in` and given as `NAME_out`.
  public static Sequencing.State state(String name, DataType type, long... extents) {
    return new Sequencing.State(
        new TensorSpec(name + "_in", type, Shape.of(extents)),
        new TensorSpec(name + "_out", type, Shape.of(extents)));
  }

  @Test
  void interleavedSequencesGiveTheTokensThatEachGivesAlone() throws Exception {
    try (Lease lease = open();
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<List<Integer>> alone = new ArrayList<>();
      for (int first = 0; first < SEQUENCES; first++) {
        alone.add(decode(lease, first % 32, first + first / 32));
      }
      List<Callable<List<Integer>>> sequences = new ArrayList<>();
      for (int first = 0; first < SEQUENCES; first++) {
        int own = first;
        sequences.add(() -> decode(lease, own % 32, own + own / 32));
      }
      List<List<Integer>> together = new ArrayList<>();
      for (Future<List<Integer>> sequence : callers.invokeAll(sequences)) {
        together.add(sequence.get());
      }

      assertThat(together).isEqualTo(alone);
      assertThat(Set.copyOf(alone)).hasSizeGreaterThan(SEQUENCES / 2);
    }
  }

  /// Greedy decoding: the step's index is mixed in, so that no sequence falls into a short cycle.
  /// The sequences are of different lengths, so that they join and leave all the time.
  private List<Integer> decode(Lease lease, int first, int salt) throws InterruptedException {
    List<Integer> tokens = new ArrayList<>();
    try (Sequence sequence = lease.openSequence()) {
      int token = first;
      for (int step = 0; step < STEPS - salt % 32; step++) {
        int best = best(sequence.step(token(token)));
        tokens.add(best);
        token = (best + step * salt) % 32;
      }
    }
    return tokens;
  }

  protected static int best(Map<String, Tensor> outputs) {
    float[] logits = outputs.get("logits").toFloats();
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  protected InferRequest token(int token) {
    return token(token, Duration.ofSeconds(30));
  }

  protected InferRequest token(int token, Duration time) {
    return new InferRequest(
        List.of(Map.of("token", Tensor.ofLongs(Shape.of(1), token))),
        Set.of("logits"),
        Deadline.after(CLOCK, time),
        timings);
  }
}
