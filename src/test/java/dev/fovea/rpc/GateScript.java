package dev.fovea.rpc;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.fovea.engine.scripted.Script;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/// A script that a test can hold up: executions say that they began, then take as long as the test
/// lets them.
final class GateScript implements Script {
  private static final Duration FOR_EVER = Duration.ofHours(1);

  private final Semaphore begun = new Semaphore(0);
  private final AtomicInteger executions = new AtomicInteger();
  private volatile Duration delay = Duration.ZERO;
  private volatile boolean broken;
  private volatile CountDownLatch answers = new CountDownLatch(0);

  /// What holds up the answers of the execution on this thread: settled when it begins.
  private final ThreadLocal<CountDownLatch> heldBy = new ThreadLocal<>();

  @Override
  public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
    Uninterruptibles.awaitUninterruptibly(heldBy.get());
    if (broken) {
      throw new IllegalStateException("/secret/path of the engine");
    }
    int dimension =
        (int) model.signature().output(model.embeddingOutput()).orElseThrow().shape().extent(0);
    float[] vector = new float[dimension];
    vector[0] = 1;
    return Map.of(model.embeddingOutput(), Tensor.ofFloats(Shape.of(dimension), vector));
  }

  @Override
  public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    executions.incrementAndGet();
    heldBy.set(answers);
    begun.release();
    return delay;
  }

  /// Executions that begin from now on end only when they are given up.
  void holdUp() {
    begun.drainPermits();
    delay = FOR_EVER;
  }

  /// Executions that begin from now on answer when they are told to.
  ///
  /// @return what they wait for
  CountDownLatch holdAnswers() {
    begun.drainPermits();
    answers = new CountDownLatch(1);
    return answers;
  }

  /// Executions that begin from now on answer at once; those that wait go on waiting.
  void letOthersAnswer() {
    answers = new CountDownLatch(0);
  }

  void letAnswersGo() {
    answers.countDown();
  }

  void take(Duration time) {
    begun.drainPermits();
    delay = time;
  }

  void letThrough() {
    delay = Duration.ZERO;
  }

  void breakDown() {
    broken = true;
  }

  void mend() {
    broken = false;
  }

  void awaitExecution() throws InterruptedException {
    begun.acquire();
  }

  int executions() {
    return executions.get();
  }
}
