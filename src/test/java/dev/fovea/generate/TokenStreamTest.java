package dev.fovea.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TokenStreamTest {
  private final FakeClock clock = new FakeClock();
  private final List<String> read = new ArrayList<>();
  private final LongAdder backlog = new LongAdder();
  private boolean ready = true;
  private final TokenStream stream =
      new TokenStream(
          new TokenStream.Reader() {
            @Override
            public boolean isReady() {
              return ready;
            }

            @Override
            public void read(Delta delta) {
              read.add(delta.text());
            }
          },
          Deadline.after(clock, Duration.ofSeconds(60)),
          backlog);

  @AfterEach
  void backlogIsWhatWaits() {
    assertThat(backlog.sum()).isEqualTo(stream.waiting());
    stream.abandon();
    assertThat(backlog.sum()).isZero();
  }

  private void send(String text) {
    stream.accept(new Delta(text, List.of(), 1));
  }

  @Test
  void readyReaderGetsEachDeltaAtOnce() throws Exception {
    send("a");
    send("b");
    assertThat(read).containsExactly("a", "b");
    stream.finish();
  }

  @Test
  void whatWaitsGoesInOrderWhenTheReaderIsReadyAgain() {
    ready = false;
    send("a");
    send("b");
    assertThat(read).isEmpty();

    ready = true;
    stream.readerIsReady();

    assertThat(read).containsExactly("a", "b");
    assertThat(stream.waiting()).isZero();
  }

  @Test
  void slowReaderGetsFewerLongerDeltasAndNothingIsLost() {
    ready = false;
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 3 * TokenStream.CAPACITY; i++) {
      send("t" + i + " ");
      all.append("t").append(i).append(" ");
    }
    assertThat(stream.waiting()).isEqualTo(TokenStream.CAPACITY);

    ready = true;
    stream.readerIsReady();

    assertThat(String.join("", read)).isEqualTo(all.toString());
    assertThat(read).hasSize(TokenStream.CAPACITY);
  }

  @Test
  void readerThatStaysAwayTooLongEndsTheText() {
    ready = false;
    for (int i = 0; i <= TokenStream.CAPACITY; i++) {
      send("t");
    }
    clock.advance(TokenStream.GRACE);
    send("t");
    clock.advance(Duration.ofNanos(1));

    assertThatThrownBy(() -> send("t"))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.SLOW_CONSUMER));
    assertThat(stream.waiting()).isZero();
  }

  @Test
  void readerThatHasCaughtUpIsForgiven() {
    ready = false;
    for (int i = 0; i <= TokenStream.CAPACITY; i++) {
      send("t");
    }
    ready = true;
    stream.readerIsReady();
    ready = false;
    clock.advance(TokenStream.GRACE.plusSeconds(1));
    for (int i = 0; i <= TokenStream.CAPACITY; i++) {
      send("t");
    }
    assertThat(stream.waiting()).isEqualTo(TokenStream.CAPACITY);
  }

  @Test
  void endIsWaitedForUntilTheDeadline() {
    ready = false;
    send("t");
    clock.advance(Duration.ofSeconds(60));
    assertThatThrownBy(stream::finish)
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.SLOW_CONSUMER));
  }
}
