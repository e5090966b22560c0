package dev.fovea.task;

import dev.fovea.cache.ContentKey;
import dev.fovea.cache.Flight;
import dev.fovea.cache.ResultCache;
import dev.fovea.cache.ResultCache.Claim;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.store.LabelSet;
import dev.fovea.store.LabelSets;
import java.util.List;
import java.util.Optional;

/// The vectors of the labels of kept sets: made once for each state of a set and each version of a
/// model, by the first call that needs them, and kept with the set. Calls that come meanwhile wait
/// for it; a set that changes leaves its old vectors behind.
final class LabelSetVectors {
  /// Bytes of vectors in memory, of all sets. What has no room there is read again.
  private static final long MAX_BYTES = 64L << 20;

  private final LabelSets sets;
  private final LabelVectors labelVectors;
  private final ResultCache<List<float[]>> cache =
      new ResultCache<>(
          MAX_BYTES, vectors -> vectors.size() * vectors.getFirst().length * Float.BYTES);

  LabelSetVectors(LabelSets sets, LabelVectors labelVectors) {
    this.sets = sets;
    this.labelVectors = labelVectors;
  }

  /// @param templates sentences around a prompt
  /// @return one unit vector a label, in order
  /// @throws GatewayException naming the prompt that this family cannot embed
  List<float[]> of(ServedFamily family, LabelSet set, List<String> templates, CallRecord record)
      throws InterruptedException {
    ServableModel model = family.lease(Role.TEXT).model();
    record.used(model, family.kind());
    ContentKey key = key(model, set, templates);
    while (true) {
      switch (cache.claim(key)) {
        case Claim.Hit<List<float[]>>(List<float[]> vectors) -> {
          return vectors;
        }
        case Claim.Lead<List<float[]>>(Flight<List<float[]>> flight) -> {
          try (flight) {
            List<float[]> vectors = keptOrMade(family, set, templates, key, record);
            flight.end(Outcome.done(vectors));
            return vectors;
          }
        }
        case Claim.Follow<List<float[]>>(Flight<List<float[]>> flight) -> {
          Optional<Outcome<List<float[]>>> shared = flight.await(record.call().deadline());
          if (shared.isPresent()
              && shared.get() instanceof Outcome.Done<List<float[]>>(List<float[]> vectors)) {
            return vectors;
          }
        }
      }
    }
  }

  private List<float[]> keptOrMade(
      ServedFamily family, LabelSet set, List<String> templates, ContentKey key, CallRecord record)
      throws InterruptedException {
    Optional<float[][]> kept = sets.vectors(set, key.hex());
    if (kept.isPresent()) {
      return List.of(kept.get());
    }
    List<float[]> made =
        labelVectors.of(
            family, LabelVectors.labelsOf("label_set"), prompts(set), templates, record);
    sets.keepVectors(set, key.hex(), made.toArray(new float[0][]));
    return made;
  }

  static List<LabelPrompts> prompts(LabelSet set) {
    return set.labels().stream()
        .map(label -> new LabelPrompts(label.name(), label.prompts()))
        .toList();
  }

  private static ContentKey key(ServableModel model, LabelSet set, List<String> templates) {
    ContentKey.Parts parts =
        new ContentKey.Parts()
            .add(set.name())
            .add(set.etag())
            .add(model.name())
            .add(model.version())
            .add(model.artifactDigest())
            .add(model.preprocessingDigest());
    templates.forEach(parts::add);
    return parts.key();
  }
}
