package dev.fovea.generate;

import java.util.ArrayList;
import java.util.List;

/// More of a text.
///
/// @param text whole characters
/// @param tokens what was generated, where log-probabilities are wanted
/// @param count tokens that were generated
public record Delta(String text, List<Token> tokens, int count) {
  public Delta {
    tokens = List.copyOf(tokens);
  }

  /// A token that was generated.
  ///
  /// @param id in the vocabulary
  /// @param logProbability by the model's own distribution
  /// @param alternatives the likeliest tokens at its place, likeliest first, without alternatives
  ///   of their own
  public record Token(int id, double logProbability, List<Token> alternatives) {
    public Token {
      alternatives = List.copyOf(alternatives);
    }
  }

  /// This and what follows as one.
  public Delta then(Delta next) {
    List<Token> both = new ArrayList<>(tokens);
    both.addAll(next.tokens);
    return new Delta(text + next.text, both, count + next.count);
  }
}
