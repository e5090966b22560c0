package dev.fovea.image;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.util.Optional;

/// Where the picture that a model sees comes from: the image is resized by a rule, then the middle
/// is cut out.
///
/// @param rule to which size the image is resized
/// @param crop the size that is cut out; absent where everything is
record Geometry(SizeRule rule, Optional<Size> crop) {
  /// A picture of that many pixels is beyond what any model takes; it would be made of an image of
  /// extreme proportions.
  private static final long MOST_PIXELS = 1L << 26;

  /// Where the picture of an image lies.
  ///
  /// @throws GatewayException with `IMAGE_DIMENSIONS_EXCEEDED` when the proportions of the image
  ///   leave nothing of a side, or too much
  Placement place(int width, int height, Backend backend) {
    Size resized = rule.apply(width, height);
    if (resized.width() < 1 || resized.height() < 1) {
      throw unfit(width, height, resized);
    }
    Size cut = crop.orElse(resized);
    if ((long) cut.width() * cut.height() > MOST_PIXELS) {
      throw unfit(width, height, cut);
    }
    return new Placement(
        resized.width(),
        resized.height(),
        before(resized.width(), cut.width(), backend),
        before(resized.height(), cut.height(), backend),
        cut.width(),
        cut.height());
  }

  private static int before(int resized, int cut, Backend backend) {
    return resized >= cut ? (resized - cut) / 2 : -backend.before(cut - resized);
  }

  private static GatewayException unfit(int width, int height, Size size) {
    return new GatewayException(
            Reason.IMAGE_DIMENSIONS_EXCEEDED,
            "sides: %d×%d, a picture of %s (expected: 1×1 to %d pixels)"
                .formatted(width, height, size, MOST_PIXELS))
        .with("width", width)
        .with("height", height);
  }

  /// The size of every picture, where all have the same.
  Optional<Size> fixedSize() {
    return crop.or(() ->
        rule instanceof SizeRule.Exactly(int height, int width)
            ? Optional.of(new Size(width, height))
            : Optional.empty());
  }

  String specification() {
    return "size=" + rule + " crop=" + crop.map(Size::toString).orElse("no");
  }
}
