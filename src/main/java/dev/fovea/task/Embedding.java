package dev.fovea.task;

import dev.fovea.image.PixelBox;

/// The vector of one item as the model gives it, and what is known about it.
///
/// @param vector the components; belongs to whoever holds this, readers must not write
/// @param facts what was seen of the item on the way
public record Embedding(float[] vector, Facts facts) {
  /// What was seen of an item on the way to its vector.
  public sealed interface Facts {}

  /// Of an image.
  ///
  /// @param orientedWidth pixels a row of the whole image as its options show it
  /// @param orientedHeight rows of the whole image, likewise
  /// @param region the part that was looked at
  public record ImageFacts(int orientedWidth, int orientedHeight, PixelBox region)
      implements Facts {}

  /// Of a text.
  ///
  /// @param tokens tokens read, special ones among them
  /// @param truncated whether tokens were cut off
  public record TextFacts(int tokens, boolean truncated) implements Facts {}
}
