package dev.fovea.image.codec;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The canvas that the frames of an animated WebP file are painted on, in the arithmetic of
/// libwebp's `WebPAnimDecoder`, which Pillow uses: it begins empty, whatever background the file
/// names, and transparent pixels are blended without being premultiplied.
final class WebPCanvas {
  private final int width;
  private final int height;
  private final byte[] rgba;
  private WebPFile.@Nullable Frame before;
  private boolean beforeWasKey;

  WebPCanvas(int width, int height) {
    this.width = width;
    this.height = height;
    this.rgba = new byte[width * height * 4];
  }

  /// Red, green, blue, alpha of every pixel as it is now.
  byte[] rgba() {
    return rgba;
  }

  /// Paints the next frame.
  ///
  /// @param pixels four bytes each
  void show(WebPFile.Frame frame, byte[] pixels) {
    WebPFile.Frame last = before;
    boolean key = isKey(frame, last);
    if (key) {
      Arrays.fill(rgba, (byte) 0);
    } else if (last != null && last.clears()) {
      clear(last);
    }
    int from = 0;
    for (int y = frame.top(); y < frame.top() + frame.height(); y++) {
      int to = (y * width + frame.left()) * 4;
      for (int x = frame.left(); x < frame.left() + frame.width(); x++, from += 4, to += 4) {
        boolean empty = last != null && last.clears() && last.covers(x, y);
        if (key || !frame.blends() || empty) {
          System.arraycopy(pixels, from, rgba, to, 4);
        } else {
          blend(pixels, from, to);
        }
      }
    }
    before = frame;
    beforeWasKey = key;
  }

  /// Whether nothing of what was there is seen any more.
  private boolean isKey(WebPFile.Frame frame, WebPFile.@Nullable Frame last) {
    if (last == null || (!frame.alpha() || !frame.blends()) && isWhole(frame)) {
      return true;
    }
    return last.clears() && (isWhole(last) || beforeWasKey);
  }

  private boolean isWhole(WebPFile.Frame frame) {
    return frame.width() == width && frame.height() == height;
  }

  private void clear(WebPFile.Frame frame) {
    for (int y = frame.top(); y < frame.top() + frame.height(); y++) {
      int at = (y * width + frame.left()) * 4;
      Arrays.fill(rgba, at, at + frame.width() * 4, (byte) 0);
    }
  }

  /// Lays a pixel over another, each channel weighed by its own alpha, in fixed point of 24 bits.
  private void blend(byte[] pixels, int from, int to) {
    int above = pixels[from + 3] & 0xFF;
    if (above == 0xFF) {
      System.arraycopy(pixels, from, rgba, to, 4);
    } else if (above > 0) {
      int below = (rgba[to + 3] & 0xFF) * (256 - above) >> 8;
      int alpha = above + below;
      long scale = (1L << 24) / alpha;
      for (int channel = 0; channel < 3; channel++) {
        int sum = (pixels[from + channel] & 0xFF) * above + (rgba[to + channel] & 0xFF) * below;
        rgba[to + channel] = (byte) (sum * scale >> 24);
      }
      rgba[to + 3] = (byte) alpha;
    }
  }
}
