package dev.fovea.generate;

import java.util.List;
import java.util.OptionalInt;

/// How a text is to be generated. Checked where it comes in.
///
/// @param maxTokens most tokens, 1 or more
/// @param minTokens tokens before which the text does not end
/// @param sampling how the next token is chosen
/// @param stopStrings texts before which the text ends
/// @param logProbabilities how many of the likeliest tokens are told at each place; empty for no
///   log-probabilities at all
/// @param beams texts that are kept under way
/// @param scored whether the text's own log-probability is wanted, for which all of the vocabulary
///   has to be summed up at each place
/// @param relevance whether it is told where on the images the decoder looked
public record GenerationOptions(
    int maxTokens,
    int minTokens,
    Sampling sampling,
    List<String> stopStrings,
    OptionalInt logProbabilities,
    int beams,
    boolean scored,
    Relevance relevance) {
  public GenerationOptions {
    stopStrings = List.copyOf(stopStrings);
  }

  /// The same, for a text whose own log-probability nobody wants.
  public GenerationOptions unscored() {
    return new GenerationOptions(
        maxTokens, minTokens, sampling, stopStrings, logProbabilities, beams, false, relevance);
  }

  /// Whether tokens come with where on the images the decoder looked as it chose them.
  public enum Relevance {
    LEFT_OUT,
    TOLD
  }

  /// Whether tokens are told one by one, and not as text alone.
  boolean tellsTokens() {
    return logProbabilities.isPresent() || relevance == Relevance.TOLD;
  }

  /// The likeliest token each time, up to a number of tokens.
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(
        maxTokens, 0, Sampling.GREEDY, List.of(), OptionalInt.empty(), 1, true, Relevance.LEFT_OUT);
  }

  /// How the next token is chosen.
  ///
  /// @param temperature 0 for the likeliest token
  /// @param topK draw from so many likeliest tokens; 0 for all
  /// @param topP draw from the likeliest tokens that together have this probability; 1 for all
  /// @param minP draw from tokens that are at least this fraction as likely as the likeliest
  /// @param repetitionPenalty what logits of tokens that were there already are divided by
  /// @param seed what random numbers begin with
  public record Sampling(
      double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 1, 0);
  }
}
