package dev.fovea.image;

import java.util.OptionalInt;

/// What a client may ask of the decoding.
///
/// @param applyOrientation whether the EXIF orientation is applied; when not, pixels stay as they
///   are stored
/// @param alphaBackground the colour (0xRRGGBB) that transparent pixels are laid over; absent:
///   alpha is dropped, as the reference processors do, and hidden colours show
public record ImageOptions(boolean applyOrientation, OptionalInt alphaBackground) {
  /// Orientation applied, alpha dropped.
  public static final ImageOptions DEFAULT = new ImageOptions(true, OptionalInt.empty());
}
