package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.image.ImageProcessor;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/// What a family can be asked to do.
public enum Task {
  EMBED_IMAGE(Set.of(Role.VISION)),
  EMBED_TEXT(Set.of(Role.TEXT)),
  CLASSIFY(Set.of(Role.VISION, Role.TEXT)),
  CLASSIFY_EMOTION(Set.of(Role.EMOTION)),
  MAP_RELEVANCE(Set.of(Role.VISION, Role.TEXT), Task::embedsPatches),
  ESTIMATE_DEPTH(Set.of(Role.DEPTH)),
  EXTRACT_PATCH_FEATURES(
      Set.of(Role.VISION), family -> tellsPatches(family, vision(family).imageFeatures())),
  CAPTION(Set.of(Role.VISION, Role.DECODER)),
  ANSWER(Set.of(Role.VISION, Role.DECODER));

  private final Set<Role> roles;
  private final Predicate<ServedFamily> fits;

  Task(Set<Role> roles) {
    this(roles, _ -> true);
  }

  Task(Set<Role> roles, Predicate<ServedFamily> fits) {
    this.roles = roles;
    this.fits = fits;
  }

  /// Whether a family has the models that this takes.
  public boolean isSupportedBy(ServedFamily family) {
    return roles.stream().allMatch(family::has) && fits.test(family);
  }

  /// Whether the image encoder embeds each patch into the space of the family's texts.
  static boolean embedsPatches(ServedFamily family) {
    String embeddings = vision(family).patchEmbeddings();
    return tellsPatches(family, embeddings)
        && family
            .family()
            .space()
            .filter(space ->
                vision(family)
                    .signature()
                    .output(embeddings)
                    .filter(output -> output.shape().extent(1) == space.dimension())
                    .isPresent())
            .isPresent();
  }

  /// Whether the image encoder has such an output with a vector for each patch, and it is known
  /// where on the image the patches are.
  private static boolean tellsPatches(ServedFamily family, String output) {
    Optional<ImageProcessor> processor = vision(family).imageProcessor();
    return processor.filter(ImageProcessor::tellsGrid).isPresent()
        && vision(family)
            .signature()
            .output(output)
            .filter(spec -> spec.type() == DataType.FP32 && spec.shape().rank() == 2)
            .isPresent();
  }

  private static ServableModel vision(ServedFamily family) {
    return family.lease(Role.VISION).model();
  }
}
