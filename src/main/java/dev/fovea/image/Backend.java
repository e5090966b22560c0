package dev.fovea.image;

import dev.fovea.kernel.Arithmetic;
import java.util.Locale;

/// The back end of the reference library whose bytes are reproduced. The two differ by a level here
/// and there in what they resize, in the last bit of what they normalise, and in where a picture
/// lies that is smaller than its crop.
enum Backend {
  /// Pillow and NumPy: the processors whose class ends in `Pil`.
  PIL(Arithmetic.PILLOW) {
    @Override
    int before(int missing) {
      return Math.ceilDiv(missing, 2);
    }

    /// `rescale` in double, then `normalize` in float.
    @Override
    float value(int level, Normalisation n, int channel) {
      float value = level;
      if (n.rescales()) {
        value = (float) (level * n.factor());
      }
      return n.normalises()
          ? (value - (float) n.mean(channel)) / (float) n.deviation(channel)
          : value;
    }
  },

  /// torch and torchvision, the default.
  TORCHVISION(Arithmetic.TORCH) {
    @Override
    int before(int missing) {
      return missing / 2;
    }

    /// The factor is folded into mean and deviation where there are both.
    @Override
    float value(int level, Normalisation n, int channel) {
      if (!n.normalises()) {
        return n.rescales() ? level * (float) n.factor() : level;
      }
      float scale = n.rescales() ? (float) (1.0 / n.factor()) : 1;
      return (level - (float) n.mean(channel) * scale) / ((float) n.deviation(channel) * scale);
    }
  };

  private final Arithmetic arithmetic;

  Backend(Arithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  Arithmetic arithmetic() {
    return arithmetic;
  }

  /// Of the pixels that a picture lacks to fill its crop, those that are put before it; the rest
  /// comes behind.
  abstract int before(int missing);

  /// What becomes of a level of a channel, 0..255.
  abstract float value(int level, Normalisation normalisation, int channel);

  /// As the configuration names it.
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
