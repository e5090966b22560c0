package dev.fovea.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.fake.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Whose turn it is, with work that begins and ends when the test says so.
@Timeout(30)
final class CpuGateOrderTest {
  private static final long LARGE = 12_000_000;
  private static final long SMALL = 300_000;

  private final Map<String, Piece> pieces = new HashMap<>();
  private final BlockingQueue<String> begun = new LinkedBlockingQueue<>();

  private record Piece(Thread thread, CountDownLatch end) {}

  @AfterEach
  void endEverything() throws InterruptedException {
    pieces.values().forEach(piece -> piece.end().countDown());
    for (Piece piece : pieces.values()) {
      piece.thread().join();
    }
  }

  @Test
  void smallPieceIsLetInBesideLargeOnesThatHaveTakenEveryProcessor() throws Exception {
    CpuGate gate = new CpuGate(2);
    begins(gate, "large 1", LARGE);
    begins(gate, "large 2", LARGE);
    waits(gate, "large 3", LARGE, 1);

    begins(gate, "small 1", SMALL);
    waits(gate, "small 2", SMALL, 2);

    end("small 1");
    assertThat(next()).isEqualTo("small 2");
  }

  @Test
  void laneBesideTheOthersIsForSmallPiecesAlone() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "large 1", LARGE);
    waits(gate, "as large as a large one may be", CpuGate.SMALL + 1, 1);

    begins(gate, "as large as a small one may be", CpuGate.SMALL);
  }

  @Test
  void smallPiecesAloneNeverRunBesideEachOtherBeyondTheWidth() throws Exception {
    CpuGate gate = new CpuGate(2);
    begins(gate, "small 1", SMALL);
    begins(gate, "small 2", SMALL);
    waits(gate, "small 3", SMALL, 1);

    end("small 1");
    assertThat(next()).isEqualTo("small 3");
  }

  @Test
  void oneProcessorIsKeptFreeOfLargePiecesWhileSmallOnesCome() throws Exception {
    CpuGate gate = new CpuGate(2);
    begins(gate, "small 1", SMALL);
    end("small 1");
    begins(gate, "large 1", LARGE);
    waits(gate, "large 2", LARGE, 1);
    waits(gate, "large 3", LARGE, 2);
    waits(gate, "large 4", LARGE, 3);

    begins(gate, "small 2", SMALL);
    end("small 2");
    end("large 1");
    assertThat(next()).isEqualTo("large 2");
    assertThat(gate.waiting()).as("a small piece came while large 1 ran").isEqualTo(2);

    end("large 2");
    // Both are let in at once, so that either may say so first.
    assertThat(List.of(next(), next()))
        .as("no small piece came while large 2 ran")
        .containsExactlyInAnyOrder("large 3", "large 4");
  }

  @Test
  void smallPiecesPassLargeOnesThatWait() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "small 0", SMALL);
    waits(gate, "large 1", LARGE, 1);
    waits(gate, "large 2", LARGE, 2);
    waits(gate, "small 1", SMALL, 3);

    end("small 0");
    assertThat(next()).isEqualTo("small 1");
    end("small 1");
    assertThat(next()).isEqualTo("large 1");
  }

  @Test
  void piecesOfOneSizeAreServedInTheOrderOfTheirArrival() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "0", SMALL);
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= 20; i++) {
      waits(gate, String.valueOf(i), SMALL, i);
      names.add(String.valueOf(i));
    }

    List<String> order = new ArrayList<>();
    end("0");
    while (order.size() < 20) {
      String name = next();
      order.add(name);
      end(name);
    }
    assertThat(order).isEqualTo(names);
  }

  /// One large piece costs as much as forty small ones, so of small ones that come one after the
  /// other no more than that many are let in before it.
  @Test
  void largePieceIsPassedByNoMoreSmallOnesThanItIsWorth() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "small 0", SMALL);
    waits(gate, "large", LARGE, 1);

    int passed = 0;
    waits(gate, "small 1", SMALL, 2);
    end("small 0");
    String running = next();
    // Once the large piece is let in, so is the small one that waits, beside it.
    while (gate.waiting() > 0) {
      passed++;
      waits(gate, "small " + (passed + 1), SMALL, 2);
      end(running);
      running = next();
    }

    assertThat(passed).isEqualTo((int) (LARGE / SMALL) - 1);
  }

  @Test
  void waiterWhoseTimeRunsOutLeavesTheQueue() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "large 1", LARGE);

    assertThatThrownBy(
            () -> gate.run(Deadline.after(Clock.system(), Duration.ofMillis(20)), LARGE, () -> 1))
        .isInstanceOf(GatewayException.class);
    assertThat(gate.waiting()).isZero();
    waits(gate, "large 2", LARGE, 1);
    end("large 1");
    assertThat(next()).isEqualTo("large 2");
  }

  @Test
  void waiterWhoIsInterruptedLeavesTheQueue() throws Exception {
    CpuGate gate = new CpuGate(1);
    begins(gate, "large 1", LARGE);
    waits(gate, "large 2", LARGE, 1);
    waits(gate, "large 3", LARGE, 2);

    pieces.get("large 2").thread().interrupt();
    pieces.get("large 2").thread().join();

    end("large 1");
    assertThat(next()).isEqualTo("large 3");
  }

  private void begins(CpuGate gate, String name, long cost) throws InterruptedException {
    start(gate, name, cost);
    assertThat(next()).isEqualTo(name);
  }

  private void waits(CpuGate gate, String name, long cost, int waiting) {
    start(gate, name, cost);
    Await.until(waiting + " wait", Duration.ofSeconds(20), () -> gate.waiting() == waiting);
    assertThat(begun).isEmpty();
  }

  private void start(CpuGate gate, String name, long cost) {
    CountDownLatch end = new CountDownLatch(1);
    Thread thread =
        Thread.startVirtualThread(() -> {
          try {
            gate.run(
                Deadline.after(Clock.system(), Duration.ofSeconds(60)),
                cost,
                () -> {
                  begun.add(name);
                  end.await();
                  return name;
                });
          } catch (InterruptedException _) {
            // Somebody who waited was told to go.
          }
        });
    pieces.put(name, new Piece(thread, end));
  }

  private void end(String name) {
    pieces.get(name).end().countDown();
  }

  private String next() throws InterruptedException {
    return begun.poll(20, TimeUnit.SECONDS);
  }
}
