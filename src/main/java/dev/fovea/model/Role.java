package dev.fovea.model;

import java.util.Locale;
import java.util.Optional;

/// The part that a model plays in its family: the value of the parameter `role`, in lower case.
public enum Role {
  /// Images to embeddings and patch features.
  VISION("image_embedding"),
  /// Texts to embeddings.
  TEXT("text_embedding");

  private final String embeddingOutput;

  Role(String embeddingOutput) {
    this.embeddingOutput = embeddingOutput;
  }

  /// The output that holds a row's vector, where the parameter `embedding_output` names no other.
  String embeddingOutput() {
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
