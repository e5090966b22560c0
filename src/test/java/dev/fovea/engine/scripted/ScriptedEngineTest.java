package dev.fovea.engine.scripted;

import static dev.fovea.engine.ContractModel.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeClock;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class ScriptedEngineTest extends EngineContractTest {
  @Override
  protected Engine engine(Clock clock) {
    return new ScriptedEngine(new ContractScript(), clock, QUEUE_SIZE);
  }

  @Test
  void rowWhoseTimeIsOverWhenItsTurnComesIsNotRun() throws Exception {
    FakeClock clock = new FakeClock();
    Held script = new Held();
    try (Engine engine = new ScriptedEngine(script, clock, QUEUE_SIZE);
        Lease lease = engine.open(ContractModel.servable());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        script) {
      for (int i = 0; i < ContractModel.INSTANCES; i++) {
        Future<?> _ = callers.submit(() -> lease.infer(request(clock, Duration.ofHours(1))));
      }
      Await.until(
          "all run", Duration.ofSeconds(30), () -> script.runs.get() == ContractModel.INSTANCES);
      Future<?> late = callers.submit(() -> lease.infer(request(clock, Duration.ofMinutes(1))));
      Await.until("one waits", Duration.ofSeconds(30), () -> lease.waiting() == 1);

      clock.advance(Duration.ofMinutes(2));
      script.go.countDown();

      ExecutionException refused = catchThrowableOfType(ExecutionException.class, late::get);
      assertThat(((GatewayException) refused.getCause()).reason())
          .isEqualTo(Reason.DEADLINE_EXCEEDED);
      assertThat(script.runs).hasValue(ContractModel.INSTANCES);
    }
  }

  private static InferRequest request(Clock clock, Duration time) {
    return new InferRequest(
        List.of(row(1)),
        Set.of("doubled"),
        Deadline.after(clock, time),
        new StageTimings(clock, StageListener.none()));
  }

  /// Answers when it is let.
  private static final class Held implements Script, AutoCloseable {
    private final Script answers = new ContractScript();
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger runs = new AtomicInteger();

    @Override
    public void close() {
      go.countDown();
    }

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      runs.incrementAndGet();
      return Duration.ZERO;
    }

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      Uninterruptibles.awaitUninterruptibly(go);
      return answers.answer(model, row);
    }
  }
}
