package dev.fovea.kernel;

/// What makes probabilities of logits.
public final class Activations {
  private Activations() {}

  /// exp(xᵢ − max x) ÷ Σ exp(xⱼ − max x): equal to the softmax of x, and no term overflows.
  public static double[] softmax(double[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      max = Math.max(max, logit);
    }
    double[] probabilities = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = Math.exp(logits[i] - max);
      sum += probabilities[i];
    }
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  /// 1 ÷ (1 + exp(−x)), each by itself.
  public static double[] sigmoid(double[] logits) {
    double[] probabilities = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = 1 / (1 + Math.exp(-logits[i]));
    }
    return probabilities;
  }
}
