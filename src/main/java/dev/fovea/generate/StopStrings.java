package dev.fovea.generate;

import java.util.List;
import java.util.Optional;

/// Looks for stop strings in a text that comes in pieces. Whatever might be the beginning of one is
/// held back until it is known not to be. For one text, of one thread.
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private Optional<String> matched = Optional.empty();

  StopStrings(List<String> stops) {
    this.stops = stops;
  }

  /// Adds a piece.
  ///
  /// @param mayStop whether a stop string that gets whole now ends the text; otherwise it is text
  ///   like any other
  /// @return what may be sent
  String add(String piece, boolean mayStop) {
    if (stops.isEmpty()) {
      return piece;
    }
    held.append(piece);
    int end = 0;
    for (Found found = find(end); found.at() >= 0; found = find(end)) {
      if (mayStop) {
        matched = Optional.of(found.stop());
        return release(found.at());
      }
      end = found.at() + found.stop().length();
    }
    return release(Math.max(end, held.length() - longestBeginning()));
  }

  /// A stop string in what is held.
  ///
  /// @param at where it begins; -1 when there is none
  private record Found(String stop, int at) {}

  /// The one that begins first.
  private Found find(int from) {
    Found first = new Found("", -1);
    for (String stop : stops) {
      int at = held.indexOf(stop, from);
      if (at >= 0 && (first.at() < 0 || at < first.at())) {
        first = new Found(stop, at);
      }
    }
    return first;
  }

  /// How many characters at the end might be the beginning of a stop string.
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  /// What is still held when the text has ended otherwise.
  String rest() {
    return matched.isPresent() ? "" : release(held.length());
  }

  /// The stop string that was met.
  Optional<String> matched() {
    return matched;
  }
}
