package dev.fovea.text;

/// What happens to a text that has more tokens than the model reads.
public enum Truncation {
  /// It is refused.
  ERROR,
  /// Tokens are cut off at the end.
  END,
  /// Tokens are cut off at the start.
  START
}
