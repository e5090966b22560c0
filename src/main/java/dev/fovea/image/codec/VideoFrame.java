package dev.fovea.image.codec;

import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import java.nio.ByteBuffer;

/// Frames of video with chroma at half the size: BT.601, limited range, in the fixed point of 20
/// bits that OpenCV uses (`cvtColor` with `COLOR_YUV2RGB_NV12` or `_I420`), whose bytes these are:
///
/// ```
/// y = 1.164 × max(0, Y − 16),  R = y + 1.596 × (V − 128)
/// G = y − 0.813 × (V − 128) − 0.391 × (U − 128),  B = y + 2.018 × (U − 128)
/// ```
final class VideoFrame {
  private static final int FRACTION_BITS = 20;
  private static final int HALF = 1 << FRACTION_BITS - 1;
  private static final int LUMA = 1_220_542;
  private static final int RED_OF_V = 1_673_527;
  private static final int GREEN_OF_V = -852_492;
  private static final int GREEN_OF_U = -409_993;
  private static final int BLUE_OF_U = 2_116_026;

  private VideoFrame() {}

  /// @param stride bytes from one row of luma to the next
  static void decode(ImageSource.Raw raw, int stride, byte[] rgb) {
    int width = raw.width();
    int height = raw.height();
    boolean interleaved = raw.format() == PixelFormat.NV12;
    int step = interleaved ? 2 : 1;
    int chromaStride = interleaved ? stride : stride / 2;
    ByteBuffer bytes = raw.bytes();
    int first = bytes.position();
    int u = first + stride * height;
    int v = interleaved ? u + 1 : u + chromaStride * (height / 2);
    byte[] luma = new byte[width];
    for (int y = 0, at = 0; y < height; y++) {
      bytes.get(first + y * stride, luma);
      int chroma = y / 2 * chromaStride;
      for (int x = 0; x < width; x += 2, chroma += step, at += 6) {
        int du = (bytes.get(u + chroma) & 0xFF) - 128;
        int dv = (bytes.get(v + chroma) & 0xFF) - 128;
        put(rgb, at, luma[x], du, dv);
        put(rgb, at + 3, luma[x + 1], du, dv);
      }
    }
  }

  private static void put(byte[] rgb, int at, byte luma, int u, int v) {
    int y = Math.max(0, (luma & 0xFF) - 16) * LUMA + HALF;
    rgb[at] = clip(y + RED_OF_V * v);
    rgb[at + 1] = clip(y + GREEN_OF_V * v + GREEN_OF_U * u);
    rgb[at + 2] = clip(y + BLUE_OF_U * u);
  }

  private static byte clip(int value) {
    return (byte) Math.max(0, Math.min(255, value >> FRACTION_BITS));
  }
}
