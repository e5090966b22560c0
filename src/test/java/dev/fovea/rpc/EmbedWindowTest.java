package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.task.Embedding;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EmbedWindowTest {
  private static final Outcome<Embedding> OUTCOME =
      Outcome.failed(new GatewayException(Reason.IMAGE_DECODE_FAILED, "broken"));

  private final List<EmbedWindow.Entry> begun = new ArrayList<>();

  private EmbedWindow window(boolean ordered, long... sequences) {
    EmbedWindow window = new EmbedWindow(ordered, 10);
    for (long sequence : sequences) {
      window.add(sequence, Requests.text("item " + sequence));
      begun.add(window.firstWaiting().orElseThrow());
      window.begin();
    }
    return window;
  }

  @Test
  void emptyOneIsSettledThroughWhatWasSettledBefore() {
    EmbedWindow window = window(true);

    assertThat(window.settledThrough()).isEqualTo(10);
    assertThat(window.hasDone()).isFalse();
    assertThat(window.firstWaiting()).isEmpty();
  }

  @Test
  void orderedResultsLeaveInTheOrderOfTheItems() {
    EmbedWindow window = window(true, 11, 15, 16);
    window.end(begun.get(2), OUTCOME);
    window.end(begun.get(1), OUTCOME);
    assertThat(window.hasDone()).isFalse();

    window.end(begun.get(0), OUTCOME);

    assertThat(window.takeDone().sequence()).isEqualTo(11);
    assertThat(window.settledThrough()).isEqualTo(14);
    assertThat(window.takeDone().sequence()).isEqualTo(15);
    assertThat(window.takeDone().sequence()).isEqualTo(16);
    assertThat(window.settledThrough()).isEqualTo(16);
    assertThat(window.hasDone()).isFalse();
    assertThat(window.size()).isZero();
  }

  @Test
  void otherResultsLeaveAsTheyComeAndSettleWhatHasNoGapBeforeIt() {
    EmbedWindow window = window(false, 11, 12, 13);

    window.end(begun.get(1), OUTCOME);
    assertThat(window.takeDone().sequence()).isEqualTo(12);
    assertThat(window.settledThrough()).isEqualTo(10);
    window.end(begun.get(0), OUTCOME);
    assertThat(window.takeDone().sequence()).isEqualTo(11);
    assertThat(window.settledThrough()).isEqualTo(12);
    assertThat(window.hasDone()).isFalse();
  }

  @Test
  void itemThatIsPostponedWaitsAgainAndHoldsUpWhatIsSettled() {
    EmbedWindow window = window(true, 11, 12);

    window.postpone(begun.get(0));
    window.end(begun.get(1), OUTCOME);

    assertThat(window.underWay()).isZero();
    assertThat(window.hasDone()).isFalse();
    assertThat(window.settledThrough()).isEqualTo(10);
    assertThat(window.firstWaiting()).contains(begun.get(0));
  }

  @Test
  void bytesAreThoseOfTheItemsThatAreNotDone() {
    EmbedWindow window = window(true, 11, 12);
    long both = window.bytes();

    window.end(begun.get(1), OUTCOME);

    assertThat(both).isEqualTo(2L * Requests.text("item 11").getSerializedSize());
    assertThat(window.bytes()).isEqualTo(both / 2);
    assertThat(window.size()).isEqualTo(2);
  }
}
