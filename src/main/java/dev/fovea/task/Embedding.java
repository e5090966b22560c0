package dev.fovea.task;

import dev.fovea.image.PixelBox;
import dev.fovea.model.Role;

/// The vector of one item as the model gives it, and what is known about it.
///
/// @param vector the components; shared, so nobody may write
/// @param facts what was seen of the item on the way
/// @param origin whether it was made for this item or for an equal one
public record Embedding(float[] vector, Facts facts, Origin origin) {
  /// Bytes of the objects around the components: this, the array's head, the facts, a box.
  private static final int OBJECTS = 128;

  /// Where a vector comes from.
  public enum Origin {
    /// From the model, for this item.
    MODEL,
    /// Made before, or at the same time, for an item of the same content.
    CACHE
  }

  /// Bytes that it takes in memory, about.
  public int bytes() {
    return vector.length * Float.BYTES + OBJECTS;
  }

  /// The same for another item of the same content.
  Embedding reused() {
    return new Embedding(vector, facts, Origin.CACHE);
  }

  /// What was seen of an item on the way to its vector.
  public sealed interface Facts {
    /// The role of the model that embeds such an item.
    default Role role() {
      return switch (this) {
        case ImageFacts _ -> Role.VISION;
        case TextFacts _ -> Role.TEXT;
      };
    }
  }

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
