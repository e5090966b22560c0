package dev.fovea.cli;

import dev.fovea.cli.ExamSheets.Kind;
import dev.fovea.cli.ExamSheets.World;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Finds the things that a text names: how many, in which colour, of which kind.
final class Mentions {
  private static final List<String> NUMBERS = List.of("one", "two", "three", "four", "five", "six");

  private final Map<String, Kind> nouns = new HashMap<>();
  private final Pattern pattern;

  /// @param kind the kind that is named
  /// @param number how many
  /// @param colour that is said; empty when none is
  record Mention(Kind kind, int number, Optional<String> colour) {}

  Mentions(World world) {
    List<Function<Kind, Collection<String>>> words =
        List.of(kind -> List.of(kind.name()), kind -> List.of(kind.plural()), Kind::synonyms);
    for (Function<Kind, Collection<String>> word : words) {
      for (Kind kind : world.kinds()) {
        word.apply(kind).forEach(noun -> nouns.putIfAbsent(noun, kind));
      }
    }
    List<String> numbers = new ArrayList<>(List.of("an", "a"));
    numbers.addAll(NUMBERS);
    pattern =
        Pattern.compile(
            "\\b(?:(%s) )?(?:(%s) )?(%s)\\b"
                .formatted(any(numbers), any(world.colours()), any(nouns.keySet())));
  }

  /// Longer words first: a cat fish is no cat.
  private static String any(Collection<String> words) {
    return words.stream()
        .sorted(Comparator.comparingInt(String::length).reversed())
        .map(Pattern::quote)
        .collect(Collectors.joining("|"));
  }

  /// What a text names, each kind once, by the kind's name.
  Map<String, Mention> in(String text) {
    Map<String, Mention> mentions = new LinkedHashMap<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      Kind kind = nouns.get(matcher.group(3));
      if (kind != null) {
        // Scissors come without a number.
        int number = NUMBERS.indexOf(Objects.requireNonNullElse(matcher.group(1), "a")) + 1;
        mentions.putIfAbsent(
            kind.name(),
            new Mention(kind, Math.max(1, number), Optional.ofNullable(matcher.group(2))));
      }
    }
    return mentions;
  }
}
