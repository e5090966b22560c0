package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import java.util.List;
import java.util.Set;

/// Embeds images and texts with one family: take what was embedded before; encode the rest; read
/// the vectors.
///
/// A fault in an item's own content is that item's outcome and leaves its neighbours alone. A fault
/// of the service is thrown.
public final class EmbedItems {
  private final EncodeItems encodeItems;
  private final ReuseEmbeddings reuse;

  public EmbedItems(EncodeItems encodeItems, ReuseEmbeddings reuse) {
    this.encodeItems = encodeItems;
    this.reuse = reuse;
  }

  /// @param family whose encoders are used
  /// @param items what to embed, or why an item cannot be
  /// @param record told what was done
  /// @return one outcome an item, in order: its vector as the model gives it
  /// @throws GatewayException when the service could not do its part
  public List<Outcome<Embedding>> run(
      ServedFamily family, List<Outcome<Content>> items, CallRecord record)
      throws InterruptedException {
    return reuse.run(family, items, record, missing -> make(family, missing, record));
  }

  private List<Outcome<Embedding>> make(
      ServedFamily family, List<Outcome<Content>> items, CallRecord record)
      throws InterruptedException {
    List<Outcome<EncodeItems.Encoded>> encoded =
        encodeItems.run(
            family,
            items,
            EncodeItems.Detail.WHOLE,
            model -> Set.of(model.embeddingOutput()),
            record);
    try (StageTimings.Span _ = record.timings().start(Stage.POSTPROCESS)) {
      return encoded.stream().map(item -> item.then(EmbedItems::embedding)).toList();
    }
  }

  private static Embedding embedding(EncodeItems.Encoded encoded) {
    ModelAnswer answer = encoded.answer();
    return new Embedding(
        answer.floats(answer.model().embeddingOutput()),
        encoded.prepared().facts(),
        Embedding.Origin.MODEL);
  }
}
