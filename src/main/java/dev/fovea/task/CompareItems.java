package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.kernel.Activations;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.Calibration;
import dev.fovea.model.EmbeddingSpace;
import dev.fovea.task.Comparison.Cell;
import dev.fovea.task.Comparison.Fit;
import dev.fovea.task.Comparison.Refusal;
import dev.fovea.task.Comparison.Row;
import dev.fovea.task.Comparison.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Embeds two lists at once and compares each item of one with each of the other.
public final class CompareItems {
  private final EmbedItems embedItems;

  public CompareItems(EmbedItems embedItems) {
    this.embedItems = embedItems;
  }

  /// @throws GatewayException when the service could not do its part
  public Comparison run(
      ServedFamily family,
      List<Outcome<Content>> left,
      List<Outcome<Content>> right,
      CallRecord record)
      throws InterruptedException {
    List<Outcome<Content>> both = new ArrayList<>(left);
    both.addAll(right);
    List<Outcome<Embedding>> embeddings = embedItems.run(family, both, record);
    List<Outcome<Embedding>> leftEmbeddings = embeddings.subList(0, left.size());
    List<Outcome<Embedding>> rightEmbeddings = embeddings.subList(left.size(), both.size());
    Optional<Calibration> calibration =
        family.family().space().flatMap(EmbeddingSpace::singleLabel);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < left.size(); i++) {
      rows.add(new Row(i, cells(leftEmbeddings.get(i), rightEmbeddings, calibration)));
    }
    List<Refusal> refusals = new ArrayList<>();
    addRefusals(Side.LEFT, leftEmbeddings, refusals);
    addRefusals(Side.RIGHT, rightEmbeddings, refusals);
    return new Comparison(rows, refusals);
  }

  private static List<Cell> cells(
      Outcome<Embedding> left, List<Outcome<Embedding>> right, Optional<Calibration> calibration) {
    if (!(left instanceof Outcome.Done<Embedding>(Embedding item))) {
      return List.of();
    }
    List<Cell> cells = new ArrayList<>();
    List<Double> logits = new ArrayList<>();
    for (int i = 0; i < right.size(); i++) {
      if (right.get(i) instanceof Outcome.Done<Embedding>(Embedding other)) {
        double cosine = Vectors.cosine(item.vector(), other.vector());
        Optional<Fit> fit = Optional.empty();
        if (calibration.isPresent() && item.facts().getClass() != other.facts().getClass()) {
          double logit = calibration.get().logit(cosine);
          logits.add(logit);
          fit = Optional.of(new Fit(logit, 0));
        }
        cells.add(new Cell(i, cosine, fit));
      }
    }
    return withProbabilities(cells, logits);
  }

  private static List<Cell> withProbabilities(List<Cell> cells, List<Double> logits) {
    double[] probabilities =
        Activations.softmax(logits.stream().mapToDouble(Double::doubleValue).toArray());
    List<Cell> complete = new ArrayList<>();
    int next = 0;
    for (Cell cell : cells) {
      if (cell.fit().isPresent()) {
        Fit fit = new Fit(cell.fit().get().logit(), probabilities[next++]);
        complete.add(new Cell(cell.right(), cell.cosine(), Optional.of(fit)));
      } else {
        complete.add(cell);
      }
    }
    return complete;
  }

  private static void addRefusals(
      Side side, List<Outcome<Embedding>> embeddings, List<Refusal> refusals) {
    for (int i = 0; i < embeddings.size(); i++) {
      if (embeddings.get(i) instanceof Outcome.Failed<Embedding>(GatewayException refusal)) {
        refusals.add(new Refusal(side, i, refusal));
      }
    }
  }
}
