package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.util.Optional;

/// JPEG, baseline and progressive, decoded by the JDK or by libjpeg-turbo.
///
/// Either gets a file of our own making ([JpegFile#plain]): the tables, the frame and the scans as
/// they are, colour profiles and other application data left out, and one marker that says how
/// libjpeg-turbo reads the colours. What libjpeg-turbo complains of, the JDK has the last word on.
final class JpegCodec implements ImageCodec {
  /// Results are at least this many times the target, that the resampling still has a choice.
  private static final int LEAST_RATIO = 2;

  private final JpegDecoding decoding;
  private final Optional<TurboJpeg> turbo;

  /// @param turbo empty where libjpeg-turbo is not to be used
  JpegCodec(JpegDecoding decoding, Optional<TurboJpeg> turbo) {
    this.decoding = decoding;
    this.turbo = turbo;
  }

  @Override
  public ImageFormat format() {
    return ImageFormat.JPEG;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("\u00FF\u00D8\u00FF");
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int frame) {
    JpegFile jpeg = JpegFile.read(file);
    JpegScans.require(jpeg, file);
    int channels = jpeg.components().size();
    long pixels = (long) jpeg.width() * jpeg.height();
    long samples = pixels * (channels == 4 ? 8 : 4);
    long coefficients = jpeg.progressive() ? 2 * pixels * Math.max(3, channels) : 0;
    return new ImageHeader(
        ImageFormat.JPEG,
        jpeg.width(),
        jpeg.height(),
        jpeg.orientation(),
        1,
        samples + coefficients + 2L * file.size());
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    JpegFile jpeg = JpegFile.read(file);
    int denominator = denominator(jpeg, request);
    return turbo
        .filter(_ -> decoding == JpegDecoding.NATIVE || denominator > 1 || decodersAgreeOn(jpeg))
        .flatMap(library -> library.decode(jpeg, file, denominator))
        .orElseGet(() -> ImageIoJpeg.decode(jpeg, jpeg.plain(file)));
  }

  /// Whether the two decoders give the same bytes: grey, and the samplings whose chroma both
  /// enlarge in the same way (4:4:4, 4:2:2, 4:2:0, 4:1:1).
  private static boolean decodersAgreeOn(JpegFile jpeg) {
    if (jpeg.components().size() != 3) {
      return jpeg.components().size() == 1;
    }
    JpegFile.Component luma = jpeg.components().getFirst();
    boolean chromaSmallest =
        jpeg.components().stream()
            .skip(1)
            .allMatch(chroma -> chroma.horizontal() == 1 && chroma.vertical() == 1);
    boolean known =
        switch (luma.vertical()) {
          case 1 -> luma.horizontal() != 3;
          case 2 -> luma.horizontal() == 2;
          default -> false;
        };
    return chromaSmallest && known;
  }

  /// By how much the image may be reduced while it is decoded: 8, 4, 2 or 1.
  private static int denominator(JpegFile jpeg, Request request) {
    int denominator = 8;
    while (denominator > 1 && !suffices(jpeg, request, denominator)) {
      denominator /= 2;
    }
    return denominator;
  }

  private static boolean suffices(JpegFile jpeg, Request request, int denominator) {
    return Math.ceilDiv(jpeg.width(), denominator) >= (long) LEAST_RATIO * request.target().width()
        && Math.ceilDiv(jpeg.height(), denominator)
            >= (long) LEAST_RATIO * request.target().height();
  }

  @Override
  public String specification() {
    if (turbo.isEmpty()) {
      return "imageio";
    }
    return decoding == JpegDecoding.NATIVE ? "turbojpeg" : "imageio+turbojpeg";
  }
}
