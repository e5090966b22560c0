package dev.fovea.engine.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceContractTest;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import inference.ModelInferRequest;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Stepped decoding over a server's sequence batcher.
@Timeout(120)
final class SequenceTest extends SequenceContractTest {
  private static final Duration WITHIN = Duration.ofSeconds(10);

  private final List<TritonEngine> engines = new ArrayList<>();

  @Override
  protected Lease open() {
    TritonEngine engine =
        new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 256), CLOCK);
    engines.add(engine);
    return engine.open(steps());
  }

  @AfterEach
  void close() {
    engines.forEach(TritonEngine::close);
  }

  /// Three states, a picture with the first step and none with the others, prompts in one step or
  /// in two: as shipped decoders have it.
  @Test
  void readerOfPicturesGivesTheTokensOfAPlainLoop() throws Exception {
    ServableModel rows = TestModels.readerOfRows();
    try (TritonEngine engine =
            new TritonEngine(TritonSettings.of(RealTriton.shared().address(), 256), CLOCK);
        Lease lease = engine.open(TestModels.reader());
        OnnxEngine embedded = new OnnxEngine(CLOCK, 256);
        Lease plain = embedded.open(rows);
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<List<Integer>> alone = new ArrayList<>();
      for (int i = 0; i < SEQUENCES; i++) {
        Map<String, Tensor> state = new HashMap<>();
        rows.signature().inputs().stream()
            .filter(input -> input.name().endsWith("_in"))
            .forEach(input -> state.put(input.name(), Tensor.zeros(input.type(), input.shape())));
        alone.add(read(i, row -> plainStep(plain, state, row)));
      }
      List<Callable<List<Integer>>> sequences = new ArrayList<>();
      for (int i = 0; i < SEQUENCES; i++) {
        int own = i;
        sequences.add(() -> {
          try (Sequence sequence = lease.openSequence()) {
            return read(own, row -> sequence.step(step(row, Set.of("logits"))).get("logits"));
          }
        });
      }
      List<List<Integer>> together = new ArrayList<>();
      for (Future<List<Integer>> sequence : callers.invokeAll(sequences)) {
        together.add(sequence.get());
      }

      assertThat(together).isEqualTo(alone);
      assertThat(Set.copyOf(alone)).hasSizeGreaterThan(SEQUENCES / 2);
    }
  }

  /// One step: the inputs to the logits of its tokens.
  private interface Step {
    Tensor run(Map<String, Tensor> row) throws InterruptedException;
  }

  private Tensor plainStep(Lease lease, Map<String, Tensor> state, Map<String, Tensor> row)
      throws InterruptedException {
    Map<String, Tensor> whole = new HashMap<>(state);
    whole.putAll(row);
    Outcome<Map<String, Tensor>> outcome =
        lease
            .infer(step(whole, Set.of("logits", "cache_out", "memory_out", "length_out")))
            .getFirst();
    Map<String, Tensor> outputs = ((Outcome.Done<Map<String, Tensor>>) outcome).value();
    state.replaceAll((name, _) -> outputs.get(name.replace("_in", "_out")));
    return outputs.get("logits");
  }

  private InferRequest step(Map<String, Tensor> row, Set<String> outputs) {
    return new InferRequest(
        List.of(row), outputs, Deadline.after(CLOCK, Duration.ofSeconds(30)), timings);
  }

  /// Reads the picture of that number: a prompt of three tokens, then greedy ones.
  private static List<Integer> read(int number, Step step) throws InterruptedException {
    Random random = new Random(number);
    int patches = 1 + number % 8;
    float[] values = new float[8 * patches];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor mask = Tensor.zeros(DataType.BOOL, Shape.of(patches));
    mask.data().asSlice(0, Math.max(1, patches - 1)).fill((byte) 1);
    Map<String, Tensor> picture =
        Map.of("patches", Tensor.ofFloats(Shape.of(patches, 8), values), "patch_mask", mask);
    Map<String, Tensor> none =
        Map.of(
            "patches",
            Tensor.zeros(DataType.FP32, Shape.of(0, 8)),
            "patch_mask",
            Tensor.zeros(DataType.BOOL, Shape.of(0)));
    List<Integer> tokens = new ArrayList<>();
    int next;
    if (number % 2 == 0) {
      next = best(step.run(row(picture, 1, number % 32, 3)));
    } else {
      best(step.run(row(picture, 1)));
      next = best(step.run(row(none, number % 32, 3)));
    }
    for (int i = 0; i < 24; i++) {
      tokens.add(next);
      next = best(step.run(row(none, (next + i * number) % 32)));
    }
    return tokens;
  }

  private static Map<String, Tensor> row(Map<String, Tensor> picture, long... tokens) {
    Map<String, Tensor> row = new HashMap<>(picture);
    row.put("token", Tensor.ofLongs(Shape.of(tokens.length), tokens));
    return row;
  }

  /// The likeliest token after the last one.
  private static int best(Tensor logits) {
    float[] all = logits.toFloats();
    int best = all.length - 32;
    for (int i = best; i < all.length; i++) {
      best = all[i] > all[best] ? i : best;
    }
    return best % 32;
  }

  @Test
  void tensorsWithoutRowsTravelBothWays() throws Exception {
    try (FakeTriton triton = FakeTriton.start(new ContractScript(), stateful());
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(stateful());
        Sequence sequence = lease.openSequence()) {
      InferRequest empty =
          new InferRequest(
              List.of(ContractModel.row()),
              Set.of("doubled"),
              Deadline.after(CLOCK, Duration.ofSeconds(30)),
              timings);

      Tensor answer = sequence.step(empty).get("doubled");

      assertThat(answer.shape()).isEqualTo(Shape.of(0));
      assertThat(answer.toFloats()).isEmpty();
    }
  }

  @Test
  void endIsSentHoweverTheSequenceGoes() throws Exception {
    Queue<ModelInferRequest> seen = new ConcurrentLinkedQueue<>();
    try (FakeTriton triton = FakeTriton.start(new ContractScript(), stateful());
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(stateful())) {
      triton.refuse(request -> {
        seen.add(request);
        return Optional.empty();
      });

      try (Sequence sequence = lease.openSequence()) {
        sequence.step(row(0, Duration.ofSeconds(30)));
        sequence.step(row(0, Duration.ofSeconds(30)));
      }
      assertEnded(seen, 3);

      try (Sequence sequence = lease.openSequence()) {
        sequence.lastStep(row(0, Duration.ofSeconds(30)));
      }
      assertEnded(seen, 1);

      try (Sequence sequence = lease.openSequence()) {
        InferRequest late = row(1_000_000, Duration.ofMillis(50));
        assertThatThrownBy(() -> sequence.step(late)).isInstanceOf(GatewayException.class);
      }
      assertEnded(seen, 2);

      try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
        Future<?> gone =
            callers.submit(() -> {
              try (Sequence sequence = lease.openSequence()) {
                return sequence.step(row(1_000_000, Duration.ofSeconds(30)));
              }
            });
        Await.until("the first step arrives", WITHIN, () -> !seen.isEmpty());
        gone.cancel(true);
      }
      assertEnded(seen, 2);

      Context.CancellableContext serving = Context.current().withCancellation();
      serving.run(() -> {
        try (Sequence sequence = lease.openSequence()) {
          sequence.step(row(0, Duration.ofSeconds(30)));
          serving.cancel(null);
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      });
      assertEnded(seen, 2);

      lease.openSequence().close();
      assertThat(seen).isEmpty();
    }
  }

  /// All requests have one id, the first one starts, and exactly the last one ends.
  private static void assertEnded(Queue<ModelInferRequest> seen, int requests) {
    Await.until("the end arrives", WITHIN, () -> seen.size() >= requests);
    List<ModelInferRequest> sequence = List.copyOf(seen);
    seen.clear();
    assertThat(sequence).hasSize(requests);
    for (int i = 0; i < requests; i++) {
      var parameters = sequence.get(i).getParametersMap();
      assertThat(parameters.get("sequence_id"))
          .isEqualTo(sequence.getFirst().getParametersOrThrow("sequence_id"));
      assertThat(parameters.get("sequence_id").getInt64Param()).isPositive();
      assertThat(parameters.get("sequence_start").getBoolParam()).isEqualTo(i == 0);
      assertThat(parameters.get("sequence_end").getBoolParam()).isEqualTo(i == requests - 1);
    }
  }

  @Test
  void sequenceThatTheServerHasForgottenIsLost() throws Exception {
    try (FakeTriton triton = FakeTriton.start(new ContractScript(), stateful());
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(stateful());
        Sequence sequence = lease.openSequence()) {
      sequence.step(row(0, Duration.ofSeconds(30)));
      triton.refuse(request ->
          Optional.of(
              Status.INVALID_ARGUMENT.withDescription(
                  "inference request for sequence 5 to model 'contract' must specify the START flag"
                      + " on the first request of the sequence")));

      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> sequence.step(row(0, Duration.ofSeconds(30))))
            .isInstanceOfSatisfying(
                GatewayException.class,
                refusal -> {
                  assertThat(refusal.reason()).isEqualTo(Reason.BACKEND_UNAVAILABLE);
                  assertThat(refusal.metadata()).containsEntry("condition", "SEQUENCE_LOST");
                });
      }
    }
  }

  @Test
  void modelOfRowsHasNoSequences() {
    try (FakeTriton triton = FakeTriton.start(new ContractScript(), ContractModel.servable());
        TritonEngine engine = new TritonEngine(TritonSettings.of(triton.address(), 8), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      assertThatThrownBy(lease::openSequence).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  private static ServableModel stateful() {
    Signature contract = ContractModel.signature();
    return ContractModel.servable(
        new Signature(contract.inputs(), contract.outputs(), 4, Interaction.SEQUENCE), Map.of());
  }

  private InferRequest row(long spin, Duration time) {
    return new InferRequest(
        List.of(ContractModel.slowRow(spin, 1)),
        Set.of("doubled"),
        Deadline.after(CLOCK, time),
        timings);
  }
}
