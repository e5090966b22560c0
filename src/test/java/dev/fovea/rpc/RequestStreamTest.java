package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class RequestStreamTest {
  private final AtomicInteger asked = new AtomicInteger();

  @Test
  void asksForARequestOnlyWhenItIsWanted() throws InterruptedException {
    RequestStream<String> requests = stream(Duration.ofSeconds(20));
    requests.onNext("first");
    assertThat(asked.get()).isZero();

    assertThat(requests.next()).contains("first");
    assertThat(asked.get()).isEqualTo(1);
    requests.onNext("second");
    requests.onCompleted();
    assertThat(requests.next()).contains("second");
    assertThat(requests.next()).isEmpty();
    assertThat(requests.next()).isEmpty();
    assertThat(asked.get()).isEqualTo(3);
  }

  @Test
  void requestThatDoesNotComeInTimeIsNotWaitedFor() {
    RequestStream<String> requests = stream(Duration.ofMillis(20));

    assertThatThrownBy(requests::next)
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED));
  }

  private RequestStream<String> stream(Duration time) {
    return new RequestStream<>(asked::incrementAndGet, Deadline.after(Clock.system(), time));
  }
}
