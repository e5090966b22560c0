package dev.fovea.model;

import java.util.Locale;
import java.util.Optional;

/// The part that a model plays in its family: the value of the parameter `role`, in lower case.
public enum Role {
  /// Images to embeddings and patch features.
  VISION(Optional.of("image_embedding")),
  /// Texts to embeddings.
  TEXT(Optional.of("text_embedding")),
  /// Patch features and the text so far to the next token: captions and answers.
  DECODER(Optional.empty()),
  /// Patch features to a map of relative depth: output [#DEPTHS].
  DEPTH(Optional.empty()),
  /// Patch features to the emotion that a face shows: output [#LOGITS].
  EMOTION(Optional.empty());

  /// FP32, a square number of cells for each patch, row by row.
  public static final String DEPTHS = "depth";

  /// FP32, one for each label.
  public static final String LOGITS = "logits";

  private final Optional<String> embeddingOutput;

  Role(Optional<String> embeddingOutput) {
    this.embeddingOutput = embeddingOutput;
  }

  /// Whether such a model gives a row's vector in the family's space. The others read what the
  /// vision encoder has seen.
  public boolean isEncoder() {
    return embeddingOutput.isPresent();
  }

  /// The output that holds a row's vector, where the parameter `embedding_output` names no other;
  /// absent for those that give none.
  Optional<String> embeddingOutput() {
    return embeddingOutput;
  }

  /// The name as the repository and clients write it.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<Role> labelled(String label) {
    for (Role role : values()) {
      if (role.label().equals(label)) {
        return Optional.of(role);
      }
    }
    return Optional.empty();
  }

  static String labels() {
    StringBuilder labels = new StringBuilder();
    for (Role role : values()) {
      labels.append(labels.isEmpty() ? "" : ", ").append(role.label());
    }
    return labels.toString();
  }
}
