package dev.fovea.model;

/// How a cosine becomes the logit that the model was trained with: logit = cosine × scale + bias.
///
/// @param scale greater than zero
/// @param bias zero where the model has none
public record Calibration(double scale, double bias) {
  public Calibration {
    if (!(scale > 0) || !Double.isFinite(scale) || !Double.isFinite(bias)) {
      throw new IllegalArgumentException(
          "calibration: %s × cosine + %s (expected: scale > 0, both finite)"
              .formatted(scale, bias));
    }
  }

  public double logit(double cosine) {
    return cosine * scale + bias;
  }
}
