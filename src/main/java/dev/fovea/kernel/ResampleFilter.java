package dev.fovea.kernel;

/// The filters an image is resampled with, as Pillow defines them (`Resample.c`): how much a sample
/// weighs at a distance from the centre, in units of the coarser of the two grids.
public enum ResampleFilter {
  /// No filter: the sample that lies nearest ([Arithmetic#nearest]).
  NEAREST(0) {
    @Override
    double weight(double x) {
      throw new IllegalStateException("filter: NEAREST has no weights");
    }
  },
  BOX(0.5) {
    @Override
    double weight(double x) {
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    }
  },
  BILINEAR(1) {
    @Override
    double weight(double x) {
      return Math.max(0, 1 - Math.abs(x));
    }
  },
  HAMMING(1) {
    @Override
    double weight(double x) {
      double distance = Math.abs(x);
      if (distance == 0) {
        return 1;
      }
      double angle = distance * Math.PI;
      return distance >= 1 ? 0 : Math.sin(angle) / angle * (0.54f + 0.46f * Math.cos(angle));
    }
  },
  /// Keys' cubic convolution with a = -1/2.
  BICUBIC(2) {
    @Override
    double weight(double x) {
      double d = Math.abs(x);
      if (d < 1) {
        return (1.5 * d - 2.5) * d * d + 1;
      }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
    }
  },
  LANCZOS(3) {
    @Override
    double weight(double x) {
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  };

  private final double support;

  ResampleFilter(double support) {
    this.support = support;
  }

  /// The distance beyond which a sample weighs nothing.
  double support() {
    return support;
  }

  abstract double weight(double x);

  private static double sinc(double x) {
    double angle = x * Math.PI;
    return x == 0 ? 1 : Math.sin(angle) / angle;
  }
}
