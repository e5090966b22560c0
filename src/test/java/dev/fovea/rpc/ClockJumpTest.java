package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.app.TestGateway;
import dev.fovea.batch.BatchingEngine;
import dev.fovea.call.Clock;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Await;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A server that was stopped for two seconds, as by its collector or its hypervisor, and one whose
/// wall clock is set: who has time left is answered, who has none is not worked for.
@Timeout(60)
final class ClockJumpTest {
  private static final Duration PAUSE = Duration.ofSeconds(2);

  private final Jumping clock = new Jumping();
  private final GateScript script = new GateScript();
  private TestGateway gateway;

  @BeforeEach
  void start() {
    gateway =
        TestGateway.start(
            Map.of("fovea.call.default-deadline", "1500ms", "fovea.drain.grace", "1s"),
            clock,
            c -> new BatchingEngine(new ScriptedEngine(script, c, 64), c, 64));
  }

  @AfterEach
  void stop() {
    script.letAnswersGo();
    gateway.close();
  }

  @Test
  void callsWithTimeLeftOutliveAPause() throws Exception {
    List<ListenableFuture<EmbedResponse>> underWay = new ArrayList<>();
    script.holdAnswers();
    for (int call = 0; call < 20; call++) {
      underWay.add(call(call, Duration.ofSeconds(50)));
    }
    script.awaitExecution();
    awaitUnderWay(20);

    clock.steady.addAndGet(PAUSE.toNanos());
    script.letAnswersGo();

    for (int call = 0; call < 20; call++) {
      assertThat(underWay.get(call).get().getResults(0).getId()).isEqualTo("call " + call);
    }
    assertThat(call(20, Duration.ofSeconds(50)).get().getResults(0).hasEmbedding()).isTrue();
  }

  @Test
  void callWhoseTimeIsOverAfterAPauseIsNotWorkedForAndItsNeighboursAre() throws Exception {
    script.holdAnswers();
    ListenableFuture<EmbedResponse> first = call(1, Duration.ofSeconds(50));
    script.awaitExecution();
    ListenableFuture<EmbedResponse> second = call(2, Duration.ofSeconds(50));
    script.awaitExecution();
    ListenableFuture<EmbedResponse> late =
        EmbeddingServiceGrpc.newFutureStub(gateway.channel()).embed(embed(noise(3)));
    awaitUnderWay(3);
    int before = script.executions();

    clock.steady.addAndGet(PAUSE.toNanos());
    script.letAnswersGo();

    assertThat(codeOf(late)).isEqualTo(Code.DEADLINE_EXCEEDED);
    assertThat(first.get().getResults(0).getId()).isEqualTo("call 1");
    assertThat(second.get().getResults(0).getId()).isEqualTo("call 2");
    assertThat(script.executions()).isEqualTo(before);
  }

  @Test
  void clockThatIsSetChangesNoDeadline() throws Exception {
    for (Duration set : List.of(Duration.ofHours(5), Duration.ofHours(-9))) {
      script.holdAnswers();
      ListenableFuture<EmbedResponse> call = call(1, Duration.ofSeconds(50));
      script.awaitExecution();

      clock.wall.addAndGet(set.toNanos());
      script.letAnswersGo();

      assertThat(call.get().getResults(0).hasEmbedding()).isTrue();
    }
  }

  private ListenableFuture<EmbedResponse> call(int number, Duration deadline) {
    return EmbeddingServiceGrpc.newFutureStub(gateway.channel())
        .withDeadlineAfter(deadline.toMillis(), TimeUnit.MILLISECONDS)
        .embed(embed(noise(number).toBuilder().setId("call " + number).build()));
  }

  private void awaitUnderWay(int items) {
    Await.until(
        items + " items under way",
        Duration.ofSeconds(30),
        () -> gateway.metric("fovea.admission.items") == items);
  }

  private static Code codeOf(ListenableFuture<EmbedResponse> call) throws InterruptedException {
    try {
      EmbedResponse _ = call.get();
      return Code.OK;
    } catch (ExecutionException e) {
      return Status.fromThrowable(e.getCause()).getCode();
    }
  }

  /// Goes as the system's do, and jumps when it is told to.
  private static final class Jumping implements Clock {
    private final AtomicLong steady = new AtomicLong();
    private final AtomicLong wall = new AtomicLong();

    @Override
    public long nanoTime() {
      return Clock.system().nanoTime() + steady.get();
    }

    @Override
    public Instant now() {
      return Clock.system().now().plusNanos(wall.get());
    }
  }
}
