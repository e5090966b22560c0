package dev.fovea.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class GatewayExceptionTest {
  @Test
  void namesFieldValueAndExpectation() {
    GatewayException refusal = GatewayException.invalidField("top_k", -1, "0 or more");

    assertThat(refusal).hasMessage("top_k: -1 (expected: 0 or more)");
    assertThat(refusal.violations())
        .containsExactly(new FieldViolation("top_k", "-1 (expected: 0 or more)"));
    assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
  }

  @Test
  void gainsThePathOfEachEnclosingMessage() {
    GatewayException refusal =
        GatewayException.invalidField("width", 0, "1 or more").under("raw").under("items[3]");

    assertThat(refusal).hasMessage("items[3].raw.width: 0 (expected: 1 or more)");
    assertThat(refusal.violations())
        .extracting(FieldViolation::field)
        .containsExactly("items[3].raw.width");
  }

  @Test
  void refusalOfContentNamesTheMessageThatHoldsIt() {
    GatewayException refusal =
        new GatewayException(Reason.IMAGE_DECODE_FAILED, "the data ends early")
            .under("items[1].image.content");

    assertThat(refusal).hasMessage("items[1].image.content: the data ends early");
  }

  @Test
  void refusalThatIsNotTheContentsFaultNamesNoField() {
    GatewayException refusal =
        new GatewayException(Reason.QUEUE_FULL, "the queue is full").under("items[1]");

    assertThat(refusal.violations()).isEmpty();
    assertThat(refusal).hasMessage("the queue is full");
  }

  @Test
  void keepsWhatItCarriesWhenMoreIsAdded() {
    GatewayException refusal =
        new GatewayException(Reason.QUEUE_FULL, "full")
            .with("limit", 8)
            .retryAfter(Duration.ofMillis(20))
            .with("queue", "pico\nvision");

    assertThat(refusal.metadata())
        .containsEntry("limit", "8")
        .containsEntry("queue", "pico\uFFFDvision");
    assertThat(refusal.retryAfter()).contains(Duration.ofMillis(20));
  }

  @Test
  void expectedRefusalHasNoStackTraceAndAFaultHas() {
    assertThat(new GatewayException(Reason.QUEUE_FULL, "full").getStackTrace()).isEmpty();
    assertThat(new GatewayException(Reason.BACKEND_ERROR, "fault").getStackTrace()).isNotEmpty();
  }

  @Test
  void clientTextIsCutAndMadePrintable() {
    assertThat(GatewayException.quote("a\u001b[31mb\u202Ec")).isEqualTo("\"a\uFFFD[31mb\uFFFDc\"");
    assertThat(GatewayException.quote("x".repeat(65))).isEqualTo("\"" + "x".repeat(64) + "…\"");
    assertThat(GatewayException.quote("x".repeat(64))).isEqualTo("\"" + "x".repeat(64) + "\"");
    assertThat(GatewayException.quote(null)).isEqualTo("null");
  }
}
