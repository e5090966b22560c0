package dev.fovea.engine.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.RealTriton;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import inference.ModelInferResponse;
import inference.ModelStreamInferResponse;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Decoupled models: one request, any number of answers.
@Timeout(60)
final class AnswerStreamTest {
  private static final Clock CLOCK = Clock.system();
  private static final long NEVER = -1;
  private static final long FOR_EVER = 1L << 40;

  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());

  @Test
  void readsEveryAnswerInOrderAndThenTheEnd() throws Exception {
    try (TritonEngine engine = engine(RealTriton.shared().address());
        Lease lease = engine.open(TestModels.drip())) {
      for (int count : new int[] {0, 1, 2, 100}) {
        List<Long> expected = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          expected.add(i);
        }
        assertThat(readAll(lease, count, NEVER)).isEqualTo(expected);
      }
    }
  }

  @Test
  void failureOfTheExecutionEndsTheStreamAfterTheAnswersBefore() throws Exception {
    try (TritonEngine engine = engine(RealTriton.shared().address());
        Lease lease = engine.open(TestModels.drip());
        AnswerStream stream = lease.openStream(request(10, 2, Duration.ofSeconds(30)))) {
      assertThat(number(stream.next())).isZero();
      assertThat(number(stream.next())).isEqualTo(1);
      assertRefused(Reason.BACKEND_ERROR, stream);
      assertThat(stream.next()).isEmpty();
    }
  }

  @Test
  void closingStopsTheWork() throws Exception {
    try (TritonEngine engine = engine(RealTriton.shared().address());
        Lease lease = engine.open(TestModels.drip())) {
      try (AnswerStream stream =
          lease.openStream(request(FOR_EVER, NEVER, Duration.ofSeconds(50)))) {
        assertThat(number(stream.next())).isZero();
      }
      // The model runs one request at a time: this one could not begin if the other went on.
      assertThat(readAll(lease, 1, NEVER)).containsExactly(0L);
    }
  }

  @Test
  void deadlineEndsTheStream() throws Exception {
    try (TritonEngine engine = engine(RealTriton.shared().address());
        Lease lease = engine.open(TestModels.drip());
        AnswerStream stream = lease.openStream(request(FOR_EVER, NEVER, Duration.ofMillis(300)))) {
      assertThatThrownBy(
              () -> {
                while (stream.next().isPresent()) {
                  Thread.onSpinWait();
                }
              })
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED));
      assertThat(readAll(lease, 1, NEVER)).containsExactly(0L);
    }
  }

  @Test
  void failureBeforeTheExecutionComesInsideAMessage() throws Exception {
    try (FakeTriton triton = FakeTriton.start(new ContractScript(), TestModels.drip());
        TritonEngine engine = engine(triton.address());
        Lease lease = engine.open(TestModels.drip())) {
      triton.stream((request, observer) ->
          observer.onNext(
              ModelStreamInferResponse.newBuilder()
                  .setErrorMessage("Exceeds maximum queue size")
                  .setInferResponse(ModelInferResponse.newBuilder().setId(request.getId()))
                  .build()));
      try (AnswerStream stream = lease.openStream(request(1, NEVER, Duration.ofSeconds(30)))) {
        assertRefused(Reason.QUEUE_FULL, stream);
      }

      triton.stream((_, observer) -> observer.onCompleted());
      try (AnswerStream stream = lease.openStream(request(1, NEVER, Duration.ofSeconds(30)))) {
        assertRefused(Reason.BACKEND_ERROR, stream);
      }

      triton.stream((_, _) -> triton.close());
      try (AnswerStream stream = lease.openStream(request(1, NEVER, Duration.ofSeconds(30)))) {
        assertRefused(Reason.BACKEND_UNAVAILABLE, stream);
      }
    }
  }

  private static TritonEngine engine(String address) {
    return new TritonEngine(TritonSettings.of(address, 8), CLOCK);
  }

  private InferRequest request(long count, long failAt, Duration time) {
    return new InferRequest(
        List.of(
            Map.of(
                "count", Tensor.ofLongs(Shape.of(1), count),
                "fail_at", Tensor.ofLongs(Shape.of(1), failAt))),
        Set.of("number"),
        Deadline.after(CLOCK, time),
        timings);
  }

  private List<Long> readAll(Lease lease, long count, long failAt) throws InterruptedException {
    List<Long> numbers = new ArrayList<>();
    try (AnswerStream stream = lease.openStream(request(count, failAt, Duration.ofSeconds(30)))) {
      for (Optional<Map<String, Tensor>> answer = stream.next();
          answer.isPresent();
          answer = stream.next()) {
        numbers.add(number(answer));
      }
    }
    return numbers;
  }

  private static long number(Optional<Map<String, Tensor>> answer) {
    return answer.orElseThrow().get("number").data().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
  }

  private static void assertRefused(Reason reason, AnswerStream stream) {
    assertThatThrownBy(stream::next)
        .isInstanceOfSatisfying(
            GatewayException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }
}
