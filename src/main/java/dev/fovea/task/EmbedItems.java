package dev.fovea.task;

import dev.fovea.admission.CpuGate;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Place;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageProcessor;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.TextInputs;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import dev.fovea.text.Encoding;
import dev.fovea.text.Tokenizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Embeds images and texts with one family: take what was embedded before; of the rest, decode and
/// process, or tokenise; infer; read the vectors.
///
/// A fault in an item's own content is that item's outcome and leaves its neighbours alone. A fault
/// of the service is thrown.
public final class EmbedItems {
  private final PrepareImages prepareImages;
  private final ReuseEmbeddings reuse;
  private final CpuGate cpu;

  public EmbedItems(PrepareImages prepareImages, ReuseEmbeddings reuse, CpuGate cpu) {
    this.prepareImages = prepareImages;
    this.reuse = reuse;
    this.cpu = cpu;
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
    try (Places places = Places.reserve(family, items, record.call())) {
      return make(family, items, places, record);
    }
  }

  private List<Outcome<Embedding>> make(
      ServedFamily family, List<Outcome<Content>> items, Places places, CallRecord record)
      throws InterruptedException {
    List<Outcome<Row>> rows =
        cpu.each(items, item -> attempt(item, content -> prepare(family, content, record)));
    List<Outcome<Embedding>> embeddings = new ArrayList<>(Collections.nCopies(rows.size(), null));
    Map<Role, List<Integer>> placesByRole = new EnumMap<>(Role.class);
    for (int place = 0; place < rows.size(); place++) {
      switch (rows.get(place)) {
        case Outcome.Failed<Row>(GatewayException refusal) ->
            embeddings.set(place, Outcome.failed(refusal));
        case Outcome.Done<Row>(Row row) ->
            placesByRole.computeIfAbsent(row.role(), _ -> new ArrayList<>()).add(place);
      }
    }
    for (Map.Entry<Role, List<Integer>> sameRole : placesByRole.entrySet()) {
      Lease lease = family.lease(sameRole.getKey());
      Place place = places.of(sameRole.getKey());
      infer(lease, place, sameRole.getValue(), rows, embeddings, record);
      record.used(lease.model(), family.kind());
    }
    return embeddings;
  }

  private Row prepare(ServedFamily family, Content content, CallRecord record)
      throws InterruptedException {
    return switch (content) {
      case Content.Image image -> prepareImage(lease(family, Role.VISION), image, record);
      case Content.Text text -> prepareText(lease(family, Role.TEXT), text, record);
    };
  }

  private static Lease lease(ServedFamily family, Role role) {
    if (!family.has(role)) {
      throw new GatewayException(
              Reason.TASK_NOT_SUPPORTED,
              family.family().name() + " has no " + role.label() + " model")
          .with("model", family.family().name())
          .with("task", role == Role.VISION ? Task.EMBED_IMAGE.name() : Task.EMBED_TEXT.name());
    }
    return family.lease(role);
  }

  private Row prepareImage(Lease lease, Content.Image image, CallRecord record)
      throws InterruptedException {
    ImageProcessor processor = lease.model().imageProcessor().orElseThrow();
    PrepareImages.Prepared prepared = prepareImages.run(image, processor, lease, record);
    return new Row(Role.VISION, prepared.processed().inputs(), prepared.facts());
  }

  private Row prepareText(Lease lease, Content.Text text, CallRecord record)
      throws InterruptedException {
    ServableModel model = lease.model();
    Tokenizer tokenizer = model.tokenizer().orElseThrow();
    return cpu.run(
        record.call().deadline(),
        0,
        record.timings(),
        () -> {
          try (StageTimings.Span _ = record.timings().start(Stage.TOKENIZE)) {
            Encoding encoding = tokenizer.encode(text.value(), text.truncation());
            record.text(encoding.length());
            return new Row(
                Role.TEXT,
                TextInputs.row(model, encoding, lease),
                new Embedding.TextFacts(encoding.length(), encoding.truncated()));
          }
        });
  }

  /// Runs the rows at some places, all for one model, and puts their vectors in place.
  private static void infer(
      Lease lease,
      Place place,
      List<Integer> places,
      List<Outcome<Row>> rows,
      List<Outcome<Embedding>> embeddings,
      CallRecord record)
      throws InterruptedException {
    List<Row> ready = new ArrayList<>();
    for (int at : places) {
      rows.get(at).then(ready::add);
    }
    List<Outcome<Map<String, Tensor>>> answers =
        lease.infer(
            new InferRequest(
                ready.stream().map(Row::inputs).toList(),
                Set.of(lease.model().embeddingOutput()),
                record.call().deadline(),
                record.call().criticality(),
                place,
                record.timings()));
    try (StageTimings.Span _ = record.timings().start(Stage.POSTPROCESS)) {
      for (int i = 0; i < places.size(); i++) {
        Row row = ready.get(i);
        embeddings.set(
            places.get(i),
            answers.get(i).then(answer -> embedding(lease.model(), answer, row.facts())));
      }
    }
  }

  private static Embedding embedding(
      ServableModel model, Map<String, Tensor> answer, Embedding.Facts facts) {
    Tensor output = answer.get(model.embeddingOutput());
    if (output == null) {
      throw new IllegalStateException("output: no " + model.embeddingOutput());
    }
    float[] vector = output.toFloats();
    if (!Vectors.isFinite(vector)) {
      throw new GatewayException(
              Reason.BACKEND_ERROR, model.name() + " answered with a vector that is not finite")
          .with("model", model.name());
    }
    return new Embedding(vector, facts, Embedding.Origin.MODEL);
  }

  private static <T, U> Outcome<U> attempt(Outcome<T> item, CpuGate.Step<T, U> step)
      throws InterruptedException {
    switch (item) {
      case Outcome.Failed<T>(GatewayException refusal) -> {
        return Outcome.failed(refusal);
      }
      case Outcome.Done<T>(T value) -> {
        try {
          return Outcome.done(step.apply(value));
        } catch (GatewayException refusal) {
          return itemsOwn(refusal);
        }
      }
    }
  }

  /// A refusal that another item's content would not have met is the item's own; time that has run
  /// out is everybody's.
  private static <U> Outcome<U> itemsOwn(GatewayException refusal) {
    return switch (refusal.reason().kind()) {
      case INVALID, NOT_FOUND, UNSUPPORTED -> Outcome.failed(refusal);
      case EXISTS, CONFLICT, EXHAUSTED, UNAVAILABLE, LATE, CANCELLED, FAULT -> throw refusal;
    };
  }

  /// An item on its way into the model.
  private record Row(Role role, Map<String, Tensor> inputs, Embedding.Facts facts) {}
}
