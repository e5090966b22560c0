package dev.fovea.image.codec;

/// Samples of 1, 2, 4 or 8 bits in a row of bytes, the leftmost in the highest bits.
final class PackedSamples {
  private PackedSamples() {}

  /// Sample `x` of a row that begins at `row[start]`.
  static int get(byte[] row, int start, int x, int depth) {
    int bit = x * depth;
    return row[start + (bit >> 3)] >> (8 - depth - (bit & 7)) & (1 << depth) - 1;
  }
}
