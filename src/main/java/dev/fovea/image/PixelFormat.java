package dev.fovea.image;

/// How the bytes of an uncompressed image lie.
///
/// The two planar ones are frames of video: a plane of luma, then chroma at half the size in both
/// directions, so that width and height are even. Their colours are those of BT.601 in the limited
/// range (luma 16..235, chroma 16..240), each chroma sample shared by four pixels.
public enum PixelFormat {
  RGB24(3),
  BGR24(3),
  /// Alpha is not premultiplied.
  RGBA(4),
  GRAY8(1),
  /// Luma, then one plane of blue and red differences in turn, its rows as far apart as luma's.
  NV12(1),
  /// Luma, then a plane of blue and one of red differences, their rows half as far apart as luma's.
  I420(1);

  private final int bytesPerPixel;

  PixelFormat(int bytesPerPixel) {
    this.bytesPerPixel = bytesPerPixel;
  }

  /// Bytes of a pixel in the first plane.
  public int bytesPerPixel() {
    return bytesPerPixel;
  }

  /// Whether chroma follows in planes of its own.
  public boolean planar() {
    return this == NV12 || this == I420;
  }
}
