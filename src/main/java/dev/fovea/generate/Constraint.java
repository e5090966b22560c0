package dev.fovea.generate;

import dev.fovea.text.Vocabulary;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// What a text is held to: a language as an automaton over bytes, and for each of its states the
/// tokens that keep the text in it. Immutable but for the tokens, which are found when a state is
/// first met and then kept. Thread-safe.
///
/// Where the tokenizer puts a blank before a text's first word, so may the model; the text begins
/// behind it.
public final class Constraint {
  /// Before the first byte: state 0, or a blank that is no part of the text.
  static final int START = -2;

  private final Automaton automaton;
  private final Vocabulary vocabulary;
  private final boolean prefixSpace;

  /// By state, the start last.
  private final AtomicReferenceArray<BitSet> allowed;

  private Constraint(Automaton automaton, Vocabulary vocabulary) {
    this.automaton = automaton;
    this.vocabulary = vocabulary;
    this.prefixSpace = vocabulary.prefixSpace();
    this.allowed = new AtomicReferenceArray<>(automaton.states() + 1);
  }

  /// A constraint as a caller states it.
  public sealed interface Rule {
    /// One of some texts.
    record Choices(List<String> values) implements Rule {
      public Choices {
        values = List.copyOf(values);
      }
    }

    /// What a regular expression matches as a whole.
    record Regex(String source) implements Rule {}

    /// What is an instance of a JSON Schema.
    record JsonSchema(String source) implements Rule {}
  }

  /// @throws dev.fovea.failure.GatewayException with `INVALID_FIELD` or `CONSTRAINT_TOO_COMPLEX`,
  ///   fields named from `constraint`
  static Constraint compile(Rule rule, Vocabulary vocabulary) {
    Regular language =
        switch (rule) {
          case Rule.Choices(List<String> values) ->
              new Regular.Union(values.stream().map(Regular::text).toList());
          case Rule.Regex(String source) -> RegexParser.parse("constraint.regex", source);
          case Rule.JsonSchema(String source) ->
              JsonSchemaParser.parse("constraint.json_schema", source);
        };
    return new Constraint(Automaton.of(language), vocabulary);
  }

  /// Where the text stands once a token has come; below zero, but for the start, when it must not
  /// come.
  int next(int state, int token) {
    byte[] bytes = vocabulary.bytes(token);
    if (state != START) {
      return automaton.next(state, bytes);
    }
    if (prefixSpace && bytes.length > 0 && bytes[0] == ' ') {
      byte[] behind = Arrays.copyOfRange(bytes, 1, bytes.length);
      return automaton.next(0, behind);
    }
    return automaton.next(0, bytes);
  }

  /// The tokens that may come; specials are not among them. Readers must not write.
  BitSet allowed(int state) {
    int place = state == START ? allowed.length() - 1 : state;
    BitSet known = allowed.get(place);
    if (known != null) {
      return known;
    }
    BitSet tokens = new BitSet(vocabulary.size());
    for (int token = 0; token < vocabulary.size(); token++) {
      if (vocabulary.bytes(token).length > 0 && next(state, token) >= 0) {
        tokens.set(token);
      }
    }
    allowed.set(place, tokens);
    return tokens;
  }

  /// Whether the text may end here.
  boolean accepts(int state) {
    return automaton.accepts(state == START ? 0 : state);
  }

  /// Whether the text must end here.
  boolean isOver(int state) {
    return state >= 0 && automaton.isOver(state);
  }
}
