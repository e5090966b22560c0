package dev.fovea.image;

/// How the bytes of an uncompressed image lie.
public enum PixelFormat {
  RGB24(3),
  BGR24(3),
  /// Alpha is not premultiplied.
  RGBA(4),
  GRAY8(1);

  private final int bytesPerPixel;

  PixelFormat(int bytesPerPixel) {
    this.bytesPerPixel = bytesPerPixel;
  }

  public int bytesPerPixel() {
    return bytesPerPixel;
  }
}
