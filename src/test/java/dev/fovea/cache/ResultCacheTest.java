package dev.fovea.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.cache.ResultCache.Claim;
import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class ResultCacheTest {
  private static final ContentKey KEY = key("a cat");
  private static final Deadline SOON = deadline(Duration.ofSeconds(20));

  private final ResultCache<String> cache = new ResultCache<>(10_000, String::length);

  private static ContentKey key(String text) {
    return new ContentKey.Parts().add(text).key();
  }

  private static Deadline deadline(Duration time) {
    return Deadline.after(Clock.system(), time);
  }

  @Test
  void whatWasWorkedOutIsFoundFromThenOn() {
    lead(KEY).end(Outcome.done("result"));

    assertThat(cache.claim(KEY)).isEqualTo(new Claim.Hit<>("result"));
    assertThat(cache.counts()).isEqualTo(new ResultCache.Counts(1, 0, 1, 0));
    assertThat(cache.entries()).isEqualTo(1);
    assertThat(cache.bytes()).isGreaterThan("result".length());
    assertThat(cache.underWay()).isZero();
  }

  @Test
  void whoComesMeanwhileIsToldTheSame() throws InterruptedException {
    Flight<String> flight = lead(KEY);
    Flight<String> followed = follow(KEY);

    flight.end(Outcome.done("result"));

    assertThat(followed.await(SOON)).contains(Outcome.done("result"));
    assertThat(cache.counts().joins()).isEqualTo(1);
  }

  @Test
  void refusalIsToldToThoseWhoWaitAndThenForgotten() throws InterruptedException {
    Flight<String> flight = lead(KEY);
    Flight<String> followed = follow(KEY);
    Outcome<String> refusal =
        Outcome.failed(new GatewayException(Reason.IMAGE_DECODE_FAILED, "broken"));

    flight.end(refusal);

    assertThat(followed.await(SOON)).contains(refusal);
    assertThat(cache.claim(KEY)).isInstanceOf(Claim.Lead.class);
  }

  @Test
  void oneOfThoseWhoWaitTakesOverFromALeaderThatGaveUp() throws InterruptedException {
    Flight<String> followed;
    try (Flight<String> _ = lead(KEY)) {
      followed = follow(KEY);
    }

    assertThat(followed.await(SOON)).isEmpty();
    assertThat(cache.claim(KEY)).isInstanceOf(Claim.Lead.class);
    assertThat(cache.claim(KEY)).isInstanceOf(Claim.Follow.class);
  }

  @Test
  void closingWhatHasEndedChangesNothing() throws InterruptedException {
    Flight<String> followed;
    try (Flight<String> flight = lead(KEY)) {
      followed = follow(KEY);
      flight.end(Outcome.done("result"));
    }

    assertThat(followed.await(SOON)).contains(Outcome.done("result"));
    assertThat(cache.claim(KEY)).isInstanceOf(Claim.Hit.class);
  }

  @Test
  void nobodyWaitsLongerThanItsDeadline() {
    lead(KEY);
    Flight<String> followed = follow(KEY);

    assertThatThrownBy(() -> followed.await(deadline(Duration.ofMillis(1))))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DEADLINE_EXCEEDED));
  }

  @Test
  void holdsNoMoreThanItsBytesAndTellsWhatMadeRoom() {
    for (int i = 0; i < 1000; i++) {
      lead(key("text " + i)).end(Outcome.done("x".repeat(300)));
      assertThat(cache.bytes()).isLessThanOrEqualTo(10_000);
    }

    assertThat(cache.entries()).isBetween(10L, 30L);
    assertThat(cache.counts().evictions()).isEqualTo(1000 - cache.entries());
  }

  @Test
  void resultLargerThanTheWholeIsNotKept() {
    lead(KEY).end(Outcome.done("x".repeat(20_000)));

    assertThat(cache.claim(KEY)).isInstanceOf(Claim.Lead.class);
    assertThat(cache.bytes()).isZero();
  }

  @Test
  void manyAtOnceWorkItOutOnce() throws Exception {
    ResultCache<String> cache = new ResultCache<>(1_000_000, String::length);
    for (int round = 0; round < 200; round++) {
      ContentKey key = key("round " + round);
      AtomicInteger worked = new AtomicInteger();
      CountDownLatch start = new CountDownLatch(1);
      try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
        List<Future<String>> results = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
          results.add(
              threads.submit(() -> {
                start.await();
                return result(cache, key, worked);
              }));
        }
        start.countDown();
        for (Future<String> result : results) {
          assertThat(result.get()).isEqualTo("result 1");
        }
      }
      assertThat(worked).hasValue(1);
    }
    assertThat(cache.underWay()).isZero();
  }

  private static String result(ResultCache<String> cache, ContentKey key, AtomicInteger worked)
      throws InterruptedException {
    return switch (cache.claim(key)) {
      case Claim.Hit<String>(String value) -> value;
      case Claim.Follow<String>(Flight<String> flight) -> valueOf(flight.await(SOON).orElseThrow());
      case Claim.Lead<String>(Flight<String> flight) -> {
        Outcome<String> result = Outcome.done("result " + worked.incrementAndGet());
        flight.end(result);
        yield valueOf(result);
      }
    };
  }

  private static String valueOf(Outcome<String> outcome) {
    return outcome instanceof Outcome.Done<String>(String value) ? value : "refused";
  }

  @Test
  void keyTellsPartsApartWhereverTheyEnd() {
    assertThat(new ContentKey.Parts().add("ab").add("c").key())
        .isEqualTo(new ContentKey.Parts().add("ab").add("c").key())
        .isNotEqualTo(new ContentKey.Parts().add("a").add("bc").key())
        .isNotEqualTo(new ContentKey.Parts().add("abc").key());
    assertThat(new ContentKey.Parts().add("").key())
        .isNotEqualTo(new ContentKey.Parts().add(1).key())
        .isNotEqualTo(new ContentKey.Parts().key());
    assertThat(new ContentKey.Parts().add(0.1).key())
        .isNotEqualTo(new ContentKey.Parts().add(0.2).key());
  }

  @Test
  void keyIsOfTheBytesFromPositionToLimitAndLeavesThemAsTheyAre() {
    ByteBuffer whole = ByteBuffer.wrap(new byte[] {9, 1, 2, 3, 9});
    ByteBuffer part = whole.slice(1, 3).asReadOnlyBuffer();

    assertThat(new ContentKey.Parts().add(part).key())
        .isEqualTo(new ContentKey.Parts().add(ByteBuffer.wrap(new byte[] {1, 2, 3})).key());
    assertThat(part.remaining()).isEqualTo(3);
  }

  private Flight<String> lead(ContentKey key) {
    return ((Claim.Lead<String>) cache.claim(key)).flight();
  }

  private Flight<String> follow(ContentKey key) {
    return ((Claim.Follow<String>) cache.claim(key)).flight();
  }
}
