package dev.fovea.task;

import dev.fovea.admission.CpuGate;
import dev.fovea.cache.ContentKey;
import dev.fovea.cache.Flight;
import dev.fovea.cache.ResultCache;
import dev.fovea.cache.ResultCache.Claim;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.task.ReuseEmbeddings.Sharing;
import java.util.Optional;
import java.util.Set;

/// Looks at images for models that read what the vision encoder has seen: once for each content,
/// however many calls and turns ask, as long as there is room to keep it.
public final class SeeImages {
  /// The vision encoder's input that says which patches are of the image.
  private static final String MASK = "patch_mask";

  private final EncodeItems encodeItems;
  private final Optional<ResultCache<ImageFeatures>> cache;
  private final Sharing sharing;
  private final CpuGate cpu;

  /// @param cache empty to look at every image anew
  /// @param sharing who finds what was seen for a caller
  public SeeImages(
      EncodeItems encodeItems,
      Optional<ResultCache<ImageFeatures>> cache,
      Sharing sharing,
      CpuGate cpu) {
    this.encodeItems = encodeItems;
    this.cache = cache;
    this.sharing = sharing;
    this.cpu = cpu;
  }

  /// @param output the vision encoder's output that is wanted
  /// @throws GatewayException when the image cannot be looked at, or the service could not do its
  ///   part
  public ImageFeatures run(
      ServedFamily family, String output, Content.Image image, CallRecord record)
      throws InterruptedException {
    if (cache.isEmpty()) {
      return look(family, output, image, record);
    }
    ContentKey key =
        cpu.run(
            record.call().deadline(),
            image.source().bytes().remaining() / ReuseEmbeddings.BYTES_A_PIXEL,
            record.timings(),
            () -> key(family.lease(Role.VISION).model(), output, image, record));
    while (true) {
      switch (cache.get().claim(key)) {
        case Claim.Hit<ImageFeatures>(ImageFeatures found) -> {
          return reused(found, family, record);
        }
        case Claim.Lead<ImageFeatures>(Flight<ImageFeatures> flight) -> {
          return lead(flight, family, output, image, record);
        }
        case Claim.Follow<ImageFeatures>(Flight<ImageFeatures> flight) -> {
          Optional<Outcome<ImageFeatures>> shared = flight.await(record.call().deadline());
          if (shared.isPresent()) {
            return reused(orThrow(shared.get()), family, record);
          }
        }
      }
    }
  }

  private static <T> T orThrow(Outcome<T> outcome) {
    return switch (outcome) {
      case Outcome.Done<T>(T value) -> value;
      case Outcome.Failed<T>(GatewayException refusal) -> throw refusal;
    };
  }

  private static ImageFeatures reused(ImageFeatures found, ServedFamily family, CallRecord record) {
    record.reused(Role.VISION);
    record.used(family.lease(Role.VISION).model(), family.kind());
    return found;
  }

  private ImageFeatures lead(
      Flight<ImageFeatures> flight,
      ServedFamily family,
      String output,
      Content.Image image,
      CallRecord record)
      throws InterruptedException {
    try (flight) {
      ImageFeatures seen = look(family, output, image, record);
      flight.end(Outcome.done(seen));
      return seen;
    }
  }

  private ImageFeatures look(
      ServedFamily family, String output, Content.Image image, CallRecord record)
      throws InterruptedException {
    EncodeItems.Encoded seen = encodeItems.image(family, image, Set.of(output), record);
    return new ImageFeatures(
        seen.answer().tensor(output),
        Optional.ofNullable(seen.prepared().inputs().get(MASK)),
        seen.prepared().grid().map(_ -> GridOnImage.ofPatches(seen.prepared())));
  }

  private ContentKey key(
      ServableModel vision, String output, Content.Image image, CallRecord record) {
    ContentKey.Parts parts =
        new ContentKey.Parts()
            .add(sharing == Sharing.CALLER ? record.call().caller().id() : "")
            .add(vision.name())
            .add(vision.version())
            .add(vision.artifactDigest())
            .add(vision.preprocessingDigest())
            .add(output);
    ReuseEmbeddings.add(image.source(), image.options(), image.region(), parts);
    return parts.key();
  }
}
