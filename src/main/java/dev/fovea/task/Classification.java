package dev.fovea.task;

import java.util.Comparator;
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
  /// @param cosine −1 to 1; zero where labels have no vectors
  /// @param logit the model's own score
  /// @param probability 0 to 1
  public record LabelScore(int label, double cosine, double logit, double probability) {}

  /// Which labels are told of an image.
  ///
  /// @param topK most of them, 1 or more
  /// @param minScore least probability, compared as the float that is told
  public record Report(int topK, double minScore) {
    /// Those of all scores, best first; equal ones stay in order.
    List<LabelScore> of(List<LabelScore> scores) {
      return scores.stream()
          .filter(score -> (float) score.probability() >= minScore)
          .sorted(Comparator.comparingDouble(LabelScore::logit).reversed())
          .limit(topK)
          .toList();
    }
  }

  /// What makes probabilities of logits.
  public enum Activation {
    /// exp(xᵢ) ÷ Σ exp(xⱼ): labels compete.
    SOFTMAX,
    /// 1 ÷ (1 + exp(−x)): each label by itself.
    SIGMOID
  }
}
