package dev.fovea.cache;

import java.time.Duration;

/// How much may be kept of what callers upload, and for how long. What is on its way counts as what
/// is kept.
///
/// @param timeToLive how long an image is kept, from the moment that all of it has come
/// @param maxImages images of all callers
/// @param maxBytes bytes of all images
/// @param maxImagesPerCaller images of one caller
/// @param maxBytesPerCaller bytes of the images of one caller
public record UploadLimits(
    Duration timeToLive,
    int maxImages,
    long maxBytes,
    int maxImagesPerCaller,
    long maxBytesPerCaller) {
  /// One hour; 4,096 images and 256 MiB, of which one caller may have a quarter.
  public static final UploadLimits DEFAULT =
      new UploadLimits(Duration.ofHours(1), 4096, 256L << 20, 1024, 64L << 20);

  public UploadLimits {
    if (!timeToLive.isPositive()) {
      throw new IllegalArgumentException("timeToLive: " + timeToLive + " (expected: > 0)");
    }
    requireShare("maxImagesPerCaller", maxImagesPerCaller, maxImages);
    requireShare("maxBytesPerCaller", maxBytesPerCaller, maxBytes);
  }

  private static void requireShare(String name, long share, long whole) {
    if (share < 1 || share > whole) {
      throw new IllegalArgumentException(
          "%s: %d (expected: 1 to %d, what there is for all)".formatted(name, share, whole));
    }
  }
}
