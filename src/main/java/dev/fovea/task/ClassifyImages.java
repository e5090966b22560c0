package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.kernel.Activations;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.Calibration;
import dev.fovea.model.EmbeddingSpace;
import dev.fovea.store.LabelSet;
import dev.fovea.store.LabelSets;
import dev.fovea.task.Classification.Activation;
import dev.fovea.task.Classification.LabelScore;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// Says which of a caller's own labels fit an image, without training: embeds labels and images
/// into one space and reads the angles (zero-shot classification, Radford et al. 2021).
public final class ClassifyImages {
  private final EmbedItems embedItems;
  private final LabelVectors labelVectors;
  private final LabelSetVectors labelSetVectors;

  public ClassifyImages(EmbedItems embedItems, LabelSets labelSets) {
    this.embedItems = embedItems;
    this.labelVectors = new LabelVectors(embedItems);
    this.labelSetVectors = new LabelSetVectors(labelSets, labelVectors);
  }

  /// How labels and images are compared.
  ///
  /// @param labels one at least
  /// @param labelSet the kept set that they are of, if they are
  /// @param hypothesisTemplates sentences around a prompt; empty for the set's or the family's own
  /// @param activation softmax where labels exclude each other, sigmoid where they do not
  /// @param report which labels are told
  /// @param rejectionThreshold least best cosine; empty for the family's own
  public record Criteria(
      List<LabelPrompts> labels,
      Optional<LabelSet> labelSet,
      List<String> hypothesisTemplates,
      Activation activation,
      Classification.Report report,
      OptionalDouble rejectionThreshold) {
    public Criteria {
      labels = List.copyOf(labels);
      hypothesisTemplates = List.copyOf(hypothesisTemplates);
    }

    /// Those of a label set.
    public static List<LabelPrompts> labels(LabelSet set) {
      return LabelSetVectors.prompts(set);
    }

    /// The sentences around a prompt: the caller's, else the set's, else the family's.
    public List<String> templates(EmbeddingSpace space) {
      if (!hypothesisTemplates.isEmpty()) {
        return hypothesisTemplates;
      }
      return labelSet
          .map(LabelSet::hypothesisTemplates)
          .filter(templates -> !templates.isEmpty())
          .orElse(space.hypothesisTemplates());
    }
  }

  /// @param family with an image and a text encoder
  /// @param images what to classify, or why an item cannot be
  /// @return one outcome an image, in order
  /// @throws GatewayException when a label cannot be embedded, or the service could not do its part
  public List<Outcome<Classification>> run(
      ServedFamily family, List<Outcome<Content>> images, Criteria criteria, CallRecord record)
      throws InterruptedException {
    EmbeddingSpace space = family.family().space().orElseThrow();
    Calibration calibration = calibration(family, criteria.activation());
    warnOfDuplicates(criteria.labels(), record);
    List<float[]> labels = labels(family, criteria, record);
    return embedItems.run(family, images, record).stream()
        .map(image -> image.then(i -> score(i.vector(), labels, calibration, space, criteria)))
        .toList();
  }

  /// Vectors of a kept set are kept with it, unless the caller puts its prompts into sentences of
  /// its own.
  private List<float[]> labels(ServedFamily family, Criteria criteria, CallRecord record)
      throws InterruptedException {
    List<String> templates = criteria.templates(family.family().space().orElseThrow());
    if (criteria.labelSet().isPresent() && criteria.hypothesisTemplates().isEmpty()) {
      return labelSetVectors.of(family, criteria.labelSet().get(), templates, record);
    }
    String field = criteria.labelSet().isPresent() ? "label_set" : "label_list";
    return labelVectors.of(
        family, LabelVectors.labelsOf(field), criteria.labels(), templates, record);
  }

  private static Calibration calibration(ServedFamily family, Activation activation) {
    EmbeddingSpace space = family.family().space().orElseThrow();
    return (activation == Activation.SOFTMAX ? space.singleLabel() : space.multiLabel())
        .orElseThrow(() ->
            new GatewayException(
                    Reason.TASK_NOT_SUPPORTED,
                    family.family().name() + " is not calibrated for " + activation)
                .with("model", family.family().name())
                .with("task", Task.CLASSIFY.name()));
  }

  private static void warnOfDuplicates(List<LabelPrompts> labels, CallRecord record) {
    Set<String> seen = new HashSet<>();
    for (LabelPrompts label : labels) {
      if (!seen.add(label.name())) {
        record.warn(
            new CallRecord.Warning(
                CallRecord.Warning.Code.DUPLICATE_LABEL,
                "label given more than once: " + GatewayException.quote(label.name()),
                OptionalInt.empty()));
      }
    }
  }

  private static Classification score(
      float[] image,
      List<float[]> labels,
      Calibration calibration,
      EmbeddingSpace space,
      Criteria criteria) {
    double[] cosines = labels.stream().mapToDouble(label -> Vectors.cosine(image, label)).toArray();
    double[] logits = new double[cosines.length];
    double best = -1;
    for (int i = 0; i < cosines.length; i++) {
      logits[i] = calibration.logit(cosines[i]);
      best = Math.max(best, cosines[i]);
    }
    double[] probabilities =
        switch (criteria.activation()) {
          case SOFTMAX -> Activations.softmax(logits);
          case SIGMOID -> Activations.sigmoid(logits);
        };
    List<LabelScore> scores = new ArrayList<>();
    for (int i = 0; i < cosines.length; i++) {
      scores.add(new LabelScore(i, cosines[i], logits[i], probabilities[i]));
    }
    OptionalDouble threshold = criteria.rejectionThreshold();
    boolean rejected =
        threshold.isPresent() ? best < threshold.getAsDouble() : space.rejects(image, best);
    return new Classification(criteria.report().of(scores), criteria.activation(), rejected);
  }
}
