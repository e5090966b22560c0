package dev.fovea.image.codec;

import dev.fovea.image.Pixels;
import java.util.Arrays;

/// The screen that the frames of a GIF file are painted on, one over the other, as Pillow does it:
///
/// - Around the first frame the screen has the transparent colour where there is one, else the
///   first colour of the palette.
/// - A frame that says nothing of its disposal has that of the frame before.
/// - A frame is cleared to the transparent colour where there is one, else to the background.
/// - A file whose first frame has no palette is grey, and stays so.
final class GifScreen {
  /// What the place of a frame looks like before the next one is painted.
  private static final int CLEARED = 2;

  private static final int OPAQUE = 0xFF << 24;

  private final GifFile file;
  private final boolean grey;
  private final int firstTransparentIndex;
  private int width;
  private int height;
  private int[] argb;
  private boolean hasAlpha;
  private int disposal;
  private Runnable dispose = () -> {};

  /// The screen with the first frame on it.
  GifScreen(GifFile file, GifFrame first) {
    this.file = file;
    grey = first.palette().greys();
    firstTransparentIndex = first.transparentIndex();
    hasAlpha = firstTransparentIndex >= 0;
    width = Math.max(file.screenWidth(), first.left() + first.width());
    height = Math.max(file.screenHeight(), first.top() + first.height());
    argb = new int[width * height];
    int[] colours = first.palette().colours(firstTransparentIndex);
    Arrays.fill(argb, colours[Math.max(0, firstTransparentIndex)]);
    paint(first, colours, false);
    disposal = first.control().disposal();
    int behind = firstTransparentIndex >= 0 ? firstTransparentIndex : file.background();
    if (disposal == CLEARED || disposal > CLEARED && firstTransparentIndex >= 0) {
      dispose = () -> clear(first, colours[behind]);
    }
  }

  /// Paints the next frame.
  void show(GifFrame frame) {
    dispose.run();
    if (frame.control().disposal() != 0) {
      disposal = frame.control().disposal();
    }
    dispose = disposalOf(frame);
    grow(frame);
    paint(frame, frame.palette().colours(frame.transparentIndex()), true);
  }

  private Runnable disposalOf(GifFrame frame) {
    if (disposal < CLEARED) {
      return () -> {};
    }
    if (disposal == CLEARED) {
      int colour = clearedColour(frame);
      return () -> clear(frame, colour);
    }
    int[] before = copy(frame);
    return () -> putBack(frame, before);
  }

  private int clearedColour(GifFrame frame) {
    int transparent =
        grey && firstTransparentIndex >= 0 ? firstTransparentIndex : frame.transparentIndex();
    if (grey) {
      return GifPalette.GREYS.colour(transparent >= 0 ? transparent : file.background());
    }
    return transparent >= 0
        ? frame.palette().colour(transparent) & ~OPAQUE
        : frame.palette().colour(file.background());
  }

  private void paint(GifFrame frame, int[] colours, boolean seeThrough) {
    byte[] indices = frame.indices();
    int next = 0;
    for (int row = 0; row < frame.height(); row++) {
      int at = start(frame, row);
      for (int x = 0; x < frame.width(); x++, at++) {
        int colour = colours[indices[next++] & 0xFF];
        if (!seeThrough || colour >>> 24 != 0) {
          argb[at] = colour;
        }
      }
    }
  }

  private int start(GifFrame frame, int row) {
    return (frame.top() + row) * width + frame.left();
  }

  private void clear(GifFrame frame, int colour) {
    for (int row = 0; row < frame.height(); row++) {
      int at = start(frame, row);
      Arrays.fill(argb, at, at + frame.width(), colour);
    }
  }

  /// What lies under a frame; outside the screen there is nothing.
  private int[] copy(GifFrame frame) {
    int[] copy = new int[frame.width() * frame.height()];
    int columns = Math.min(frame.width(), width - frame.left());
    int rows = Math.min(frame.height(), height - frame.top());
    for (int row = 0; row < rows && columns > 0; row++) {
      System.arraycopy(argb, start(frame, row), copy, row * frame.width(), columns);
    }
    return copy;
  }

  private void putBack(GifFrame frame, int[] before) {
    for (int row = 0; row < frame.height(); row++) {
      System.arraycopy(before, row * frame.width(), argb, start(frame, row), frame.width());
    }
  }

  /// Makes room for a frame that sticks out.
  private void grow(GifFrame frame) {
    int newWidth = Math.max(width, frame.left() + frame.width());
    int newHeight = Math.max(height, frame.top() + frame.height());
    if (newWidth == width && newHeight == height) {
      return;
    }
    int[] larger = new int[newWidth * newHeight];
    if (grey) {
      Arrays.fill(larger, OPAQUE);
    } else {
      hasAlpha = frame.transparentIndex() >= 0;
      Arrays.fill(larger, hasAlpha ? 0 : frame.palette().colour(0));
    }
    for (int row = 0; row < height; row++) {
      System.arraycopy(argb, row * width, larger, row * newWidth, width);
    }
    argb = larger;
    width = newWidth;
    height = newHeight;
  }

  /// What is seen now.
  Pixels pixels(Flattening alpha) {
    byte[] rgb = new byte[argb.length * 3];
    for (int i = 0, at = 0; i < argb.length; i++, at += 3) {
      alpha.put(rgb, at, hasAlpha ? withKey(argb[i]) : argb[i] | OPAQUE);
    }
    return new Pixels(width, height, rgb);
  }

  /// Of a grey image one shade is transparent, wherever it comes from.
  private int withKey(int colour) {
    if (!grey) {
      return colour;
    }
    return (colour & 0xFF) == firstTransparentIndex ? colour & ~OPAQUE : colour | OPAQUE;
  }
}
