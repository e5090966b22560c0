package dev.fovea.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// The space in which the vectors of a family lie, and how closeness is read there.
///
/// @param id names the space; vectors are comparable only when it is equal
/// @param dimension components of a vector
/// @param outputDimensions shorter dimensions that the models were trained to be cut to, ascending
/// @param singleLabel logits where things compete (softmax); absent when the family defines none
/// @param multiLabel logits where each stands by itself (sigmoid); absent when the family defines
///   none
/// @param patches logits of the best cosine of all patches (sigmoid); absent when the family
///   defines none
/// @param hypothesisTemplates sentences around a label, each with one `{}`; at least one
/// @param rejectionThreshold best cosine below which nothing fits; absent when the family has none
/// @param rejectionMargin the same by how much the best label leads; absent when the family has
///   none
public record EmbeddingSpace(
    String id,
    int dimension,
    List<Integer> outputDimensions,
    Optional<Calibration> singleLabel,
    Optional<Calibration> multiLabel,
    Optional<Calibration> patches,
    List<String> hypothesisTemplates,
    OptionalDouble rejectionThreshold,
    Optional<RejectionMargin> rejectionMargin) {
  public EmbeddingSpace {
    outputDimensions = List.copyOf(outputDimensions);
    hypothesisTemplates = List.copyOf(hypothesisTemplates);
  }

  /// Whether the family finds that no label fits.
  ///
  /// @param image an image's vector
  /// @param best its best cosine to a label
  public boolean rejects(float[] image, double best) {
    return best < rejectionThreshold.orElse(-1)
        || rejectionMargin.filter(margin -> margin.rejects(image, best)).isPresent();
  }
}
