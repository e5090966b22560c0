package dev.fovea.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class CpuGateTest {
  private final CpuGate gate = new CpuGate(2);

  @Test
  void neverMoreAtOnceThanItIsWide() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(
            callers.submit(() ->
                gate.run(
                    far(),
                    () -> {
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      Thread.yield();
                      return inside.decrementAndGet();
                    })));
      }
      for (Future<Integer> call : calls) {
        call.get();
      }
    }
    assertThat(most.get()).isBetween(1, 2);
    assertThat(gate.waiting()).isZero();
  }

  @Test
  void turnThatDoesNotComeInTimeIsRefused() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(2);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 2; i++) {
        Future<?> _ =
            callers.submit(() ->
                gate.run(
                    far(),
                    () -> {
                      inside.countDown();
                      return await(release);
                    }));
      }
      inside.await();

      assertThatThrownBy(
              () -> gate.run(Deadline.after(Clock.system(), Duration.ofMillis(20)), () -> 1))
          .isInstanceOfSatisfying(
              GatewayException.class,
              refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED));
      release.countDown();
    }
    assertThat(gate.<Integer>run(far(), () -> 7)).isEqualTo(7);
  }

  @Test
  void workThatFailsGivesItsPlaceBack() throws InterruptedException {
    for (int i = 0; i < 5; i++) {
      assertThatThrownBy(() ->
              gate.run(
                  far(),
                  () -> {
                    throw new IllegalStateException("no");
                  }))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(gate.<Integer>run(far(), () -> 7)).isEqualTo(7);
  }

  @Test
  void resultsOfManyThingsAreInTheirOrder() throws InterruptedException {
    List<Integer> things = IntStream.range(0, 500).boxed().toList();

    assertThat(gate.each(things, thing -> gate.run(far(), () -> thing * 2)))
        .isEqualTo(things.stream().map(thing -> thing * 2).toList());
    assertThat(gate.each(List.<Integer>of(), thing -> thing)).isEmpty();
    assertThat(gate.each(List.of(3), thing -> thing + 1)).containsExactly(4);
  }

  @Test
  void firstFailureEndsTheOthersAndIsThrown() {
    AtomicInteger begun = new AtomicInteger();

    assertThatThrownBy(() ->
            gate.each(
                IntStream.range(0, 1000).boxed().toList(),
                thing -> {
                  begun.incrementAndGet();
                  throw new GatewayException(Reason.QUEUE_FULL, "no " + thing);
                }))
        .isInstanceOf(GatewayException.class)
        .hasMessage("no 0");
    assertThat(begun.get()).isLessThan(1000);
  }

  @Test
  void interruptEndsEverythingThatWasBegun() throws Exception {
    AtomicInteger ended = new AtomicInteger();
    CountDownLatch begun = new CountDownLatch(2);
    Thread caller =
        Thread.startVirtualThread(() -> {
          try {
            gate.each(
                List.of(1, 2, 3, 4),
                _ -> {
                  begun.countDown();
                  try {
                    new CountDownLatch(1).await();
                    return 0;
                  } finally {
                    ended.incrementAndGet();
                  }
                });
          } catch (InterruptedException _) {
            ended.addAndGet(100);
          }
        });
    begun.await();
    caller.interrupt();
    caller.join();

    assertThat(ended.get()).isEqualTo(102);
  }

  private static int await(CountDownLatch latch) {
    try {
      latch.await();
      return 0;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Deadline far() {
    return Deadline.after(Clock.system(), Duration.ofSeconds(30));
  }
}
