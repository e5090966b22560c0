package dev.fovea.task;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.kernel.Activations;
import dev.fovea.model.Role;
import dev.fovea.task.Classification.Activation;
import dev.fovea.task.Classification.LabelScore;
import java.util.ArrayList;
import java.util.List;

/// Says which of the labels that a family's own model tells apart fits an image: a softmax over the
/// logits that the model gives.
public final class ClassifyEmotions {
  private final ReadFeatures readFeatures;

  public ClassifyEmotions(EncodeItems encodeItems) {
    this.readFeatures = new ReadFeatures(encodeItems);
  }

  /// @param set the labels and who tells them apart
  /// @param images what to classify, or why an item cannot be
  /// @return one outcome an image, in order; no label has a cosine
  /// @throws GatewayException when the service could not do its part
  public List<Outcome<Classification>> run(
      FamilyLabelSet set,
      List<Outcome<Content>> images,
      Classification.Report report,
      CallRecord record)
      throws InterruptedException {
    return readFeatures.run(set.family(), set.role(), images, Role.LOGITS, record).stream()
        .map(reading -> reading.then(r -> score(r.answer().floats(Role.LOGITS), report)))
        .toList();
  }

  private static Classification score(float[] answer, Classification.Report report) {
    double[] logits = new double[answer.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = answer[i];
    }
    double[] probabilities = Activations.softmax(logits);
    List<LabelScore> scores = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      scores.add(new LabelScore(i, 0, logits[i], probabilities[i]));
    }
    return new Classification(report.of(scores), Activation.SOFTMAX, false);
  }
}
