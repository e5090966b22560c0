package dev.fovea.task;

import java.util.List;

/// How well labels fit one image.
///
/// @param scores the best labels, best first
/// @param activation what made probabilities of logits
/// @param rejected whether the best cosine is below the threshold: nothing fits
public record Classification(List<LabelScore> scores, Activation activation, boolean rejected) {
  public Classification {
    scores = List.copyOf(scores);
  }

  /// How well one label fits.
  ///
  /// @param label its place in the request
  /// @param cosine −1 to 1
  /// @param logit the model's own score
  /// @param probability 0 to 1
  public record LabelScore(int label, double cosine, double logit, double probability) {}

  /// What makes probabilities of logits.
  public enum Activation {
    /// exp(xᵢ) ÷ Σ exp(xⱼ): labels compete.
    SOFTMAX,
    /// 1 ÷ (1 + exp(−x)): each label by itself.
    SIGMOID
  }
}
