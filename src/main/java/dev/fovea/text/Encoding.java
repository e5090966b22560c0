package dev.fovea.text;

/// A text as the model reads it.
///
/// @param ids token ids, special ones where the tokenizer puts them; not padded. The array belongs
///   to whoever holds this; readers must not write
/// @param truncated whether tokens were cut off
public record Encoding(long[] ids, boolean truncated) {
  public int length() {
    return ids.length;
  }

  /// Says what it is, not what it holds.
  @Override
  public String toString() {
    return ids.length + " tokens" + (truncated ? ", truncated" : "");
  }
}
