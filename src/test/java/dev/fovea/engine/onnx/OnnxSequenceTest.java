package dev.fovea.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.engine.Lease;
import dev.fovea.engine.Sequence;
import dev.fovea.engine.SequenceContractTest;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.model.Sequencing;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/// Sequences in this process.
final class OnnxSequenceTest extends SequenceContractTest {
  private static final Duration WITHIN = Duration.ofSeconds(10);
  private static final int QUEUE_SIZE = 4;

  @Override
  protected Lease open() {
    return new OnnxEngine(CLOCK, QUEUE_SIZE).open(steps());
  }

  /// The same with room for that many sequences.
  private static Lease open(int sequences) {
    ServableModel steps = steps();
    Signature signature = steps.signature();
    return new OnnxEngine(CLOCK, QUEUE_SIZE)
        .open(
            new ServableModel(
                steps.name(),
                steps.version(),
                steps.family(),
                steps.role(),
                steps.artifact(),
                new Signature(
                    signature.inputs(),
                    signature.outputs(),
                    signature.maxBatchSize(),
                    signature.interaction(),
                    new Sequencing(signature.sequencing().states(), sequences)),
                steps.batchPolicy(),
                steps.instances(),
                steps.graphLevel(),
                steps.parameters(),
                steps.embeddingOutput(),
                steps.labels(),
                steps.imageProcessor(),
                steps.tokenizer(),
                "",
                "",
                steps.decoding()));
  }

  @Test
  void sequenceThatIsOnePlaceTooManyWaitsUntilOneIsClosed() throws Exception {
    try (Lease lease = open(1);
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Sequence first = lease.openSequence();
      int alone = best(first.step(token(3)));
      Future<Integer> second =
          callers.submit(() -> {
            try (Sequence sequence = lease.openSequence()) {
              return best(sequence.step(token(3)));
            }
          });
      Await.until("the second waits", WITHIN, () -> lease.sequences() == 2);

      first.close();

      assertThat(second.get()).isEqualTo(alone);
      Await.until("nothing is left", WITHIN, () -> lease.sequences() == 0);
    }
  }

  @Test
  void refusesWhenTooManyWaitAndWhenTheDeadlineComesFirst() throws Exception {
    try (Lease lease = open(1);
        Sequence first = lease.openSequence();
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      first.step(token(1));
      try (Sequence late = lease.openSequence()) {
        assertRefused(Reason.DEADLINE_EXCEEDED, late, Duration.ofMillis(20));
      }
      List<Future<?>> waiting = new ArrayList<>();
      for (int i = 0; i < QUEUE_SIZE; i++) {
        waiting.add(
            callers.submit(() -> {
              try (Sequence sequence = lease.openSequence()) {
                return sequence.step(token(1));
              }
            }));
      }
      Await.until("they wait", WITHIN, () -> lease.sequences() == 1 + QUEUE_SIZE);
      try (Sequence tooMany = lease.openSequence()) {
        assertRefused(Reason.QUEUE_FULL, tooMany, Duration.ofSeconds(30));
      }
      waiting.forEach(sequence -> sequence.cancel(true));
      Await.until("they have gone", WITHIN, () -> lease.sequences() == 1);
    }
  }

  private void assertRefused(Reason reason, Sequence sequence, Duration time) {
    assertThatThrownBy(() -> sequence.step(token(1, time)))
        .isInstanceOfSatisfying(
            GatewayException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }

  @Test
  void forkGoesOnFromWhereTheOtherIsAndNeitherTouchesTheOther() throws Exception {
    try (Lease lease = open();
        Sequence sequence = lease.openSequence();
        Sequence same = lease.openSequence()) {
      for (int token : new int[] {5, 9, 14}) {
        sequence.step(token(token));
        same.step(token(token));
      }
      try (Sequence fork = sequence.fork()) {
        fork.step(token(30));
        fork.step(token(31));
        assertThat(sequence.step(token(7)).get("logits").toFloats())
            .isEqualTo(same.step(token(7)).get("logits").toFloats());
      }
      try (Sequence fork = sequence.fork()) {
        assertThat(best(fork.step(token(2)))).isEqualTo(best(sequence.step(token(2))));
      }
    }
  }

  @Test
  void lostSequenceRefusesAndOthersGoOn() throws Exception {
    try (Lease lease = open();
        Sequence lost = lease.openSequence();
        Sequence other = lease.openSequence()) {
      other.step(token(1));
      lost.step(token(1));
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> lost.step(token(2))).isInstanceOf(InterruptedException.class);

      assertRefused(Reason.BACKEND_UNAVAILABLE, lost, Duration.ofSeconds(30));
      assertThat(other.step(token(2))).containsKey("logits");
    }
  }

  @Test
  void closedLeaseRefuses() throws Exception {
    Lease lease = open();
    Sequence sequence = lease.openSequence();
    sequence.step(token(1));
    lease.close();

    assertRefused(Reason.BACKEND_UNAVAILABLE, sequence, Duration.ofSeconds(30));
    sequence.close();
    assertThatThrownBy(lease::openSequence).isInstanceOf(GatewayException.class);
  }
}
