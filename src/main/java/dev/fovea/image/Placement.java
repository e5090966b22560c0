package dev.fovea.image;

/// Where the picture that a model sees lies on the resized image: a rectangle, which may reach
/// beyond it; what lies beyond is black.
///
/// @param resizedWidth pixels a row of the resized image, > 0
/// @param resizedHeight its rows, > 0
/// @param left first column of the picture; negative when it begins before the image
/// @param top first row of the picture; negative when it begins above the image
/// @param width pixels a row of the picture, > 0
/// @param height rows of the picture, > 0
record Placement(int resizedWidth, int resizedHeight, int left, int top, int width, int height) {
  static Placement whole(Size size) {
    return new Placement(size.width(), size.height(), 0, 0, size.width(), size.height());
  }

  /// The size of the resized image.
  DecodeTarget target() {
    return new DecodeTarget(resizedWidth, resizedHeight);
  }

  /// The first column of the resized image that the picture shows.
  int fromColumn() {
    return Math.max(0, left);
  }

  /// One past the last column of the resized image that the picture shows.
  int toColumn() {
    return Math.min(resizedWidth, left + width);
  }

  int fromRow() {
    return Math.max(0, top);
  }

  int toRow() {
    return Math.min(resizedHeight, top + height);
  }

  /// Whether the picture shows nothing but image.
  boolean isWithinImage() {
    return toColumn() - fromColumn() == width && toRow() - fromRow() == height;
  }
}
