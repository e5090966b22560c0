package dev.fovea.image;

/// A part of an image in fractions of its width and height: the upper left corner of the image is
/// 0, 0, its lower right corner 1, 1. As in the proto's `NormalizedBox`.
///
/// @param xMin the left edge, 0 or more
/// @param yMin the upper edge, 0 or more
/// @param xMax the right edge, more than `xMin`, at most 1
/// @param yMax the lower edge, more than `yMin`, at most 1
public record Region(double xMin, double yMin, double xMax, double yMax) {
  /// All of it.
  public static final Region WHOLE = new Region(0, 0, 1, 1);

  public Region {
    if (!(0 <= xMin && xMin < xMax && xMax <= 1 && 0 <= yMin && yMin < yMax && yMax <= 1)) {
      throw new IllegalArgumentException(
          "region: %s, %s to %s, %s (expected: 0 <= min < max <= 1)"
              .formatted(xMin, yMin, xMax, yMax));
    }
  }

  /// This part of an image of that size. Each edge goes to the nearest border between two pixels,
  /// one that lies halfway to the right or lower, so that regions with a common edge share no pixel
  /// and leave none out. A region in which no pixel is left is given the one that its upper left
  /// corner lies in.
  public PixelBox within(int width, int height) {
    int left = edge(xMin, width);
    int right = edge(xMax, width);
    int top = edge(yMin, height);
    int bottom = edge(yMax, height);
    if (left == right) {
      left = (int) Math.floor(xMin * width);
      right = left + 1;
    }
    if (top == bottom) {
      top = (int) Math.floor(yMin * height);
      bottom = top + 1;
    }
    return new PixelBox(left, top, right - left, bottom - top);
  }

  private static int edge(double fraction, int side) {
    return (int) Math.floor(fraction * side + 0.5);
  }
}
