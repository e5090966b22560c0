package dev.fovea.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.call.Caller;
import org.junit.jupiter.api.Test;

final class FairSharesTest {
  private static final Caller MODEST = new Caller("modest");
  private static final Caller LARGE = new Caller("large");
  private static final Caller GREEDY = new Caller("greedy");

  private final FairShares shares = new FairShares();

  @Test
  void nobodyIsInExcessWhileAllAreServed() {
    shares.ask(MODEST, 1);
    shares.ask(GREEDY, 99);
    shares.serve(100);
    shares.fade(1);

    assertThat(shares.excess(GREEDY)).isZero();
    assertThat(shares.modest()).isZero();
  }

  /// Of 100, 20 go to the one who asks for less than a third, 40 to each of the others.
  @Test
  void whatModestCallersLeaveIsDividedEvenly() {
    shares.ask(MODEST, 20);
    shares.ask(LARGE, 50);
    shares.ask(GREEDY, 500);
    shares.serve(100);
    shares.fade(0);

    assertThat(shares.excess(MODEST)).isZero();
    assertThat(shares.excess(LARGE)).isCloseTo(0.25, within(1e-9));
    assertThat(shares.excess(GREEDY)).isEqualTo(1);
    assertThat(shares.modest()).isCloseTo(0.2, within(1e-9));
  }

  @Test
  void nothingIsKeptForOthersWhereThereAreNone() {
    shares.ask(GREEDY, 500);
    shares.serve(100);
    shares.fade(0);

    assertThat(shares.modest()).isZero();
  }

  @Test
  void whatWasAskedForLongAgoIsForgotten() {
    shares.ask(MODEST, 100);
    shares.ask(GREEDY, 500);
    shares.serve(100);
    shares.fade(200);
    shares.ask(MODEST, 10);
    shares.serve(10);
    shares.fade(1);

    assertThat(shares.excess(GREEDY)).isZero();
    assertThat(shares.excess(MODEST)).isZero();
  }

  @Test
  void thoseWhoAskedLongestAgoMakeRoom() {
    shares.ask(GREEDY, 1_000_000);
    for (int i = 0; i < 4096; i++) {
      shares.ask(new Caller("caller " + i), 1);
    }
    shares.serve(1);
    shares.fade(0);

    assertThat(shares.excess(GREEDY)).isZero();
    assertThat(shares.excess(new Caller("caller 0"))).isPositive();
  }
}
