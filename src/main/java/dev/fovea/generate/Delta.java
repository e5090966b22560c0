package dev.fovea.generate;

import java.util.ArrayList;
import java.util.List;

/// More of a text.
///
/// @param text whole characters
/// @param tokens what was generated, where log-probabilities or relevance are wanted
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
  /// @param relevance for each image, the part of the decoder's attention that each of its patches
  ///   had as this token was chosen; empty where that is not wanted. Shared, so nobody may write
  public record Token(
      int id, double logProbability, List<Token> alternatives, List<float[]> relevance) {
    public Token {
      alternatives = List.copyOf(alternatives);
      relevance = List.copyOf(relevance);
    }
  }

  /// This and what follows as one.
  public Delta then(Delta next) {
    List<Token> both = new ArrayList<>(tokens);
    both.addAll(next.tokens);
    return new Delta(text + next.text, both, count + next.count);
  }
}
