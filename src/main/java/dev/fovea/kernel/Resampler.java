package dev.fovea.kernel;

/// The two passes of a resize, over rows of interleaved red-green-blue bytes. Every implementation
/// gives the same bytes. Thread-safe.
public interface Resampler {
  /// Bytes of a pixel.
  int CHANNELS = 3;

  /// Resizes rows, each by itself.
  ///
  /// @param in holds the rows
  /// @param at where the first row begins
  /// @param stride bytes from one row to the next
  /// @param rows how many
  /// @param taps for each pixel of a resized row, the pixels that it is made of
  /// @param out takes the resized rows, without gaps
  /// @param outAt where the first of them begins
  /// @param sums scratch of [#sums] ints at least
  void horizontal(
      byte[] in, int at, int stride, int rows, Taps taps, byte[] out, int outAt, int[] sums);

  /// Makes one row of a picture whose columns are resized.
  ///
  /// @param in holds the rows that it is made of
  /// @param at where the first of them begins: the row that the taps name first for this one
  /// @param stride bytes from one row to the next
  /// @param bytes of a row
  /// @param taps for each row of the resized picture, the rows that it is made of
  /// @param row which one is made
  /// @param out takes it
  /// @param outAt where it begins
  /// @param sums scratch of [#sums] ints at least
  void vertical(
      byte[] in,
      int at,
      int stride,
      int bytes,
      Taps taps,
      int row,
      byte[] out,
      int outAt,
      int[] sums);

  /// How much scratch rows of that many bytes take.
  static int sums(int bytes) {
    return 4 * (bytes + 16);
  }

  /// Plain loops, available everywhere: what the others are measured against.
  static Resampler scalar() {
    return ScalarResampler.INSTANCE;
  }

  /// The fastest one that this machine and this JVM have.
  static Resampler fastest() {
    return Kernels.RESAMPLER;
  }
}
