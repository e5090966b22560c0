package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// Gives what the image encoder makes of each patch.
public final class ExtractPatchFeatures {
  private final EncodeItems encodeItems;

  public ExtractPatchFeatures(EncodeItems encodeItems) {
    this.encodeItems = encodeItems;
  }

  /// What the encoder makes of each patch.
  ///
  /// @param features what other models read
  /// @param embeddings in the space of the family's texts, as the encoder gives them; absent where
  ///   they are not wanted
  public record PatchFeatures(PatchVectors features, Optional<PatchVectors> embeddings) {}

  /// @param family that can do [Task#EXTRACT_PATCH_FEATURES]
  /// @param embeddings whether they are wanted
  /// @throws GatewayException when the image cannot be decoded, there are no embeddings to give, or
  ///   the service could not do its part
  public PatchFeatures run(
      ServedFamily family, Content.Image image, boolean embeddings, CallRecord record)
      throws InterruptedException {
    ServableModel model = family.lease(Role.VISION).model();
    Set<String> outputs = new HashSet<>(Set.of(model.imageFeatures()));
    if (embeddings) {
      if (!Task.embedsPatches(family)) {
        throw new GatewayException(
                Reason.TASK_NOT_SUPPORTED, model.name() + " does not embed patches")
            .with("model", family.family().name())
            .with("task", Task.EXTRACT_PATCH_FEATURES.name());
      }
      outputs.add(model.patchEmbeddings());
    }
    EncodeItems.Encoded seen = encodeItems.image(family, image, outputs, record);
    GridOnImage grid = GridOnImage.ofPatches(seen.prepared());
    return new PatchFeatures(
        grid.vectors(seen.answer(), model.imageFeatures()),
        embeddings
            ? Optional.of(grid.vectors(seen.answer(), model.patchEmbeddings()))
            : Optional.empty());
  }
}
