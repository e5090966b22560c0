package dev.fovea.task;

import dev.fovea.admission.CpuGate;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.kernel.Activations;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.Calibration;
import dev.fovea.model.EmbeddingSpace;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Tells where in an image a text fits: compares the embedding of each patch with that of the text.
public final class MapRelevance {
  /// Products that take as long as a pixel to decode, about.
  private static final long PRODUCTS_A_PIXEL = 8;

  private final EncodeItems encodeItems;
  private final LabelVectors labelVectors;
  private final CpuGate cpu;

  public MapRelevance(EncodeItems encodeItems, EmbedItems embedItems, CpuGate cpu) {
    this.encodeItems = encodeItems;
    this.labelVectors = new LabelVectors(embedItems);
    this.cpu = cpu;
  }

  /// Where texts fit an image.
  ///
  /// @param grid where the patches are
  /// @param maps one for each text, in order
  public record Relevance(GridOnImage grid, List<TextMap> maps) {
    public Relevance {
      maps = List.copyOf(maps);
    }
  }

  /// Where one text fits.
  ///
  /// @param scores the cosine of each patch, in the order of the grid
  /// @param best the first cell with the greatest score
  /// @param probability that the text is true of something in the image; empty where the family is
  ///   not calibrated for that
  public record TextMap(float[] scores, int best, OptionalDouble probability) {}

  /// @param family that can do [Task#MAP_RELEVANCE]
  /// @param texts one at least
  /// @param templates sentences around a text, one at least
  /// @throws GatewayException naming the text that this family cannot embed; when the image cannot
  ///   be decoded, or the service could not do its part
  public Relevance run(
      ServedFamily family,
      Content.Image image,
      List<String> texts,
      List<String> templates,
      CallRecord record)
      throws InterruptedException {
    List<LabelPrompts> prompts =
        texts.stream().map(text -> new LabelPrompts(text, List.of(text))).toList();
    List<float[]> wanted =
        labelVectors.of(family, (text, _) -> "texts[" + text + "]", prompts, templates, record);
    ServableModel model = family.lease(Role.VISION).model();
    EncodeItems.Encoded seen =
        encodeItems.image(family, image, Set.of(model.patchEmbeddings()), record);
    PatchVectors patches =
        GridOnImage.ofPatches(seen.prepared()).vectors(seen.answer(), model.patchEmbeddings());
    Optional<Calibration> calibration = family.family().space().flatMap(EmbeddingSpace::patches);
    long products = (long) patches.components().length * texts.size();
    return cpu.run(
        record.call().deadline(),
        products / PRODUCTS_A_PIXEL,
        record.timings(),
        () -> {
          try (StageTimings.Span _ = record.timings().start(Stage.POSTPROCESS)) {
            return compare(patches, wanted, calibration, record);
          }
        });
  }

  private static Relevance compare(
      PatchVectors patches,
      List<float[]> wanted,
      Optional<Calibration> calibration,
      CallRecord record)
      throws InterruptedException {
    List<float[]> units = new ArrayList<>();
    for (int cell = 0; cell < patches.grid().cells(); cell++) {
      units.add(Vectors.normalised(patches.vector(cell)));
    }
    List<TextMap> maps = new ArrayList<>();
    for (float[] text : wanted) {
      record.call().deadline().check("the comparison of texts and patches");
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      maps.add(map(units, text, calibration));
    }
    return new Relevance(patches.grid(), maps);
  }

  private static TextMap map(
      List<float[]> patches, float[] text, Optional<Calibration> calibration) {
    float[] scores = new float[patches.size()];
    int best = 0;
    for (int cell = 0; cell < scores.length; cell++) {
      scores[cell] = (float) Math.clamp(Vectors.dot(patches.get(cell), text), -1, 1);
      best = scores[cell] > scores[best] ? cell : best;
    }
    double greatest = scores[best];
    return new TextMap(
        scores,
        best,
        calibration.isEmpty()
            ? OptionalDouble.empty()
            : OptionalDouble.of(
                Activations.sigmoid(new double[] {calibration.get().logit(greatest)})[0]));
  }
}
