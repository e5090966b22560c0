package dev.fovea.image;

/// How large a picture is.
///
/// @param width pixels a row
/// @param height rows
record Size(int width, int height) {
  @Override
  public String toString() {
    return width + "×" + height;
  }
}
