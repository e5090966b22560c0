package dev.fovea.kernel;

/// The two passes of a resize, over rows of interleaved red-green-blue bytes without gaps. Every
/// implementation gives the same bytes. Thread-safe.
public interface Resampler {
  /// Bytes of a pixel.
  int CHANNELS = 3;

  /// Resizes each row.
  ///
  /// @param in rows of `taps.inSize()` pixels
  /// @param inOffset where the first row begins
  /// @param rows how many
  /// @param out takes `rows` × `taps.outSize()` pixels
  void horizontal(byte[] in, int inOffset, int rows, Taps taps, byte[] out);

  /// Resizes each column.
  ///
  /// @param in rows of `rowBytes` bytes; the first is row `firstRow` of the image
  /// @param firstRow the first row that is there; no tap may reach before it
  /// @param out takes `taps.outSize()` rows of `rowBytes` bytes
  void vertical(byte[] in, int firstRow, int rowBytes, Taps taps, byte[] out);

  /// Plain loops, available everywhere: what the others are measured against.
  static Resampler scalar() {
    return ScalarResampler.INSTANCE;
  }
}
