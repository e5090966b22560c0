package dev.fovea.image;

/// The formats that are told apart by their first bytes.
public enum ImageFormat {
  JPEG,
  PNG,
  GIF,
  BMP,
  WEBP,
  TIFF,
  /// Pixels sent as they are.
  RAW
}
