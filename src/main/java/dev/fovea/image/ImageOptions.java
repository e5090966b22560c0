package dev.fovea.image;

import static java.util.Objects.requireNonNull;

import java.util.OptionalInt;

/// What a client may ask of the decoding.
///
/// @param applyOrientation whether the EXIF orientation is applied; when not, pixels stay as they
///   are stored
/// @param alphaBackground the colour (0xRRGGBB) that transparent pixels are laid over; absent:
///   alpha is dropped, as the reference processors do, and hidden colours show
/// @param frameIndex which frame of an animation is decoded, from 0; a decoder refuses one that the
///   file does not have
/// @param detail whether speed may cost exactness
public record ImageOptions(
    boolean applyOrientation, OptionalInt alphaBackground, int frameIndex, Detail detail) {
  /// Orientation applied, alpha dropped, first frame, exact.
  public static final ImageOptions DEFAULT =
      new ImageOptions(true, OptionalInt.empty(), 0, Detail.AUTO);

  /// How exactly an image is decoded.
  public enum Detail {
    /// As [#HIGH].
    AUTO,
    /// No more than about twice what the processor resizes to, where a decoder can do so faster:
    /// close to the reference, not equal to it.
    LOW,
    /// Every pixel, equal to the reference.
    HIGH
  }

  public ImageOptions {
    requireNonNull(alphaBackground, "alphaBackground");
    requireNonNull(detail, "detail");
    if (frameIndex < 0) {
      throw new IllegalArgumentException("frameIndex: " + frameIndex + " (expected: >= 0)");
    }
  }

  /// The options of a client that says no more than this.
  public static ImageOptions of(boolean applyOrientation, OptionalInt alphaBackground) {
    return new ImageOptions(applyOrientation, alphaBackground, 0, Detail.AUTO);
  }
}
