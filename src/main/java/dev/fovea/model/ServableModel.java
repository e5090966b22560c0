package dev.fovea.model;

import dev.fovea.image.ImageProcessor;
import dev.fovea.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One version of one model, read, checked and compiled: all that is needed to serve it. Immutable,
/// shared freely.
///
/// @param name as in the repository
/// @param version the version's folder: a whole number
/// @param family the family that it belongs to
/// @param role the part that it plays there
/// @param artifact the model file
/// @param signature what it takes and gives
/// @param batchPolicy how its rows are joined into batches
/// @param instances executions that may run at once
/// @param graphLevel `optimization.graph.level` of its configuration; zero when it says nothing
/// @param parameters the free parameters of its configuration
/// @param embeddingOutput the output that holds a row's vector; empty where it is no encoder
/// @param labels what its output's components stand for, in order; empty when it has no such file
/// @param imageProcessor how it wants images; absent when it takes none
/// @param tokenizer how it wants texts; absent when it takes none
/// @param artifactDigest SHA-256 of the model file, in hexadecimal
/// @param preprocessingDigest SHA-256 over all that its inputs depend on, in hexadecimal
/// @param decoding how it is talked to, where it is a decoder
public record ServableModel(
    String name,
    String version,
    String family,
    Role role,
    Path artifact,
    Signature signature,
    BatchPolicy batchPolicy,
    int instances,
    int graphLevel,
    Map<String, String> parameters,
    String embeddingOutput,
    List<String> labels,
    Optional<ImageProcessor> imageProcessor,
    Optional<Tokenizer> tokenizer,
    String artifactDigest,
    String preprocessingDigest,
    Optional<Decoding> decoding) {
  static final String IMAGE_FEATURES = "image_features";
  private static final String DEFAULT_IMAGE_FEATURES = "patch_features";

  public ServableModel {
    parameters = Map.copyOf(parameters);
    labels = List.copyOf(labels);
  }

  /// The vision encoder's output with the features of each patch, which other models read: what the
  /// parameter `image_features` names.
  public String imageFeatures() {
    return parameters.getOrDefault(IMAGE_FEATURES, DEFAULT_IMAGE_FEATURES);
  }

  /// The vision encoder's output with each patch's embedding in the family's space: what the
  /// parameter `patch_embedding_output` names.
  public String patchEmbeddings() {
    return parameters.getOrDefault("patch_embedding_output", "patch_embeddings");
  }

  /// The input that takes [#imageFeatures], of a model that reads them: of the same name, unless
  /// the parameter `image_features_input` says otherwise.
  public String imageFeaturesInput() {
    return parameters.getOrDefault("image_features_input", imageFeatures());
  }

  /// Says which model it is.
  @Override
  public String toString() {
    return name + " version " + version;
  }
}
