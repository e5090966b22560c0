package dev.fovea.kernel;

/// The two conventions by which the reference libraries turn the weights of a filter into integers.
/// Pictures resized by one differ from those resized by the other by a level or two here and there.
public enum Arithmetic {
  /// Pillow (`Resample.c`): weights in 22 bits behind the point.
  PILLOW {
    @Override
    int precision(double largestWeight) {
      return MOST_PRECISION;
    }

    /// `ImagingScaleAffine`: the place is advanced by adding, which rounds otherwise than
    /// multiplying does.
    @Override
    void nearest(int inSize, int outSize, int from, int[] out) {
      double step = (double) inSize / outSize;
      double place = step * 0.5;
      for (int i = 0; i < from + out.length; i++, place += step) {
        if (i >= from) {
          out[i - from] = Math.min(inSize - 1, (int) place);
        }
      }
    }
  },

  /// torchvision on 8-bit tensors (`UpSampleKernel.cpp`): weights in 16 bits, with as many behind
  /// the point as the largest of an axis allows.
  TORCH {
    @Override
    int precision(double largestWeight) {
      int precision = 0;
      while (precision < MOST_PRECISION
          && (int) (0.5 + largestWeight * (1 << (precision + 1))) < 1 << 15) {
        precision++;
      }
      return precision;
    }

    /// `nearest-exact`, in single precision.
    @Override
    void nearest(int inSize, int outSize, int from, int[] out) {
      float scale = (float) inSize / outSize;
      for (int i = 0; i < out.length; i++) {
        out[i] = Math.min(inSize - 1, (int) Math.floor((from + i + 0.5f) * scale));
      }
    }
  };

  /// 32 bits less 8 for the sample and 2 for what negative lobes overshoot.
  private static final int MOST_PRECISION = 22;

  /// Bits behind the binary point of the weights of an axis.
  ///
  /// @param largestWeight of the axis, the weights of a sample adding up to 1
  abstract int precision(double largestWeight);

  /// The nearest input sample of each output sample, from the one numbered `from` on.
  abstract void nearest(int inSize, int outSize, int from, int[] out);
}
