package dev.fovea.generate;

/// How a text ended.
///
/// @param reason why
/// @param matchedStop the stop string that was met; empty when none was
/// @param tokens how many were generated, the one that ended the text among them
/// @param logProbability the sum of their log-probabilities; 0 where it was not wanted
public record Ending(Reason reason, String matchedStop, int tokens, double logProbability) {
  /// Why a text ended.
  public enum Reason {
    /// The model said that it was done, or the constraint left nothing to add.
    STOP,
    /// As many tokens as there may be.
    LENGTH,
    /// A stop string.
    STOP_STRING,
    /// The deadline is near.
    DEADLINE
  }
}
