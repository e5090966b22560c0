package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;

/// Bounds the work that a JPEG file can ask for: every scan of a progressive one passes over the
/// whole image, and an empty scan takes a dozen bytes.
final class JpegScans {
  /// More than any encoder writes; libjpeg-turbo's own fuzzers draw the line at the same place.
  static final int MOST_SCANS = 100;

  /// Pixels times scans: twenty scans of the largest image that is allowed by default.
  static final long MOST_WORK = 1_000_000_000;

  private static final int MARKER = 0xFF;
  private static final int START_OF_SCAN = 0xDA;
  private static final int SCAN_HEADER_BYTES = 4;

  private JpegScans() {}

  /// @throws dev.fovea.failure.GatewayException with `IMAGE_DECODE_FAILED` when there are too many
  static void require(JpegFile jpeg, ByteReader file) {
    long pixels = (long) jpeg.width() * jpeg.height();
    long most = Math.min(MOST_SCANS, Math.max(jpeg.components().size(), MOST_WORK / pixels));
    int scans = 0;
    ByteReader data = file.from(jpeg.scanStart());
    if (!jpeg.progressive() && holdsEveryComponent(data, jpeg)) {
      return;
    }
    while (data.skipPast(MARKER) && data.remaining() > 0) {
      if (data.peek() == START_OF_SCAN && ++scans > most) {
        throw Refusals.damaged(
            ImageFormat.JPEG, "scans of " + pixels + " pixels", "more", "at most " + most);
      }
    }
  }

  /// The decoders stop behind the first scan when it is all that a baseline file needs.
  private static boolean holdsEveryComponent(ByteReader scan, JpegFile jpeg) {
    ByteReader header = scan.from(scan.position());
    if (header.remaining() <= SCAN_HEADER_BYTES) {
      return true;
    }
    header.skip(SCAN_HEADER_BYTES);
    return header.u8() >= jpeg.components().size();
  }
}
