package dev.fovea.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class StopStringsTest {
  private record Read(String text, Optional<String> matched) {}

  private static Read read(List<String> stops, List<String> pieces) {
    StopStrings stopStrings = new StopStrings(stops);
    StringBuilder text = new StringBuilder();
    for (String piece : pieces) {
      text.append(stopStrings.add(piece, true));
      if (stopStrings.matched().isPresent()) {
        return new Read(text.toString(), stopStrings.matched());
      }
    }
    return new Read(text + stopStrings.rest(), stopStrings.matched());
  }

  @Test
  void matchesOverPiecesAndNeverSendsAPartOfIt() {
    assertThat(read(List.of("end."), List.of("a cat e", "n", "d", ". and more")))
        .isEqualTo(new Read("a cat ", Optional.of("end.")));
  }

  @Test
  void sendsWhatOnlyLookedLikeOneOnceItIsKnown() {
    StopStrings stops = new StopStrings(List.of("aab"));
    assertThat(stops.add("xaa", true)).isEqualTo("x");
    assertThat(stops.add("a", true)).isEqualTo("a");
    assertThat(stops.add("c", true)).isEqualTo("aac");
    assertThat(stops.add("a", true)).isEmpty();
    assertThat(stops.rest()).isEqualTo("a");
  }

  @Test
  void isTextLikeAnyOtherWhileTheTextMayNotEnd() {
    StopStrings stops = new StopStrings(List.of("ab"));
    assertThat(stops.add("xab", false)).isEqualTo("xab");
    assertThat(stops.add("yab", true)).isEqualTo("y");
    assertThat(stops.matched()).contains("ab");
  }

  @Test
  void endsWhereASearchInTheWholeTextFindsTheFirst() {
    Random random = new Random(4);
    for (int trial = 0; trial < 5_000; trial++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        stops.add(text(random, random.nextInt(1, 5)));
      }
      List<String> pieces = new ArrayList<>();
      for (int i = random.nextInt(1, 20); i > 0; i--) {
        pieces.add(text(random, random.nextInt(0, 4)));
      }
      // What is whole first ends the text, at its own beginning.
      String so = "";
      String expected = String.join("", pieces);
      for (String piece : pieces) {
        so += piece;
        int first = so.length();
        for (String stop : stops) {
          int at = so.indexOf(stop);
          first = at >= 0 ? Math.min(first, at) : first;
        }
        if (first < so.length()) {
          expected = so.substring(0, first);
          break;
        }
      }
      assertThat(read(stops, pieces).text()).as("%s in %s", stops, pieces).isEqualTo(expected);
    }
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
