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
import dev.fovea.image.PatchGrid;
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
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// Runs each item through the encoder of its kind: decode and process, or tokenise; infer. What is
/// made of the encoders' outputs is the affair of whoever asks.
///
/// A fault in an item's own content is that item's outcome and leaves its neighbours alone. A fault
/// of the service is thrown.
public final class EncodeItems {
  private final PrepareImages prepareImages;
  private final CpuGate cpu;

  public EncodeItems(PrepareImages prepareImages, CpuGate cpu) {
    this.prepareImages = prepareImages;
    this.cpu = cpu;
  }

  /// What an encoder was given of an item, and what it made of it.
  ///
  /// @param prepared what it was given
  /// @param answer what it made of it
  record Encoded(Prepared prepared, ModelAnswer answer) {}

  /// An item on its way into an encoder.
  ///
  /// @param role the encoder's
  /// @param inputs its row of the encoder's inputs
  /// @param facts what was seen of it
  /// @param grid how the patches of an image lie on it, where that can be told
  record Prepared(
      Role role, Map<String, Tensor> inputs, Embedding.Facts facts, Optional<PatchGrid> grid) {}

  /// How finely an image is cut.
  enum Detail {
    /// As the encoder wants it for one vector of the whole.
    WHOLE,
    /// As models want it that read patch by patch.
    PATCHES;

    private ImageProcessor of(ImageProcessor processor) {
      return this == WHOLE ? processor : processor.detailed();
    }
  }

  /// @param family whose encoders are used
  /// @param items what to encode, or why an item cannot be
  /// @param detail how finely images are cut
  /// @param outputs which outputs of an encoder are wanted
  /// @param record told what was done
  /// @return one outcome an item, in order
  /// @throws GatewayException when the service could not do its part
  List<Outcome<Encoded>> run(
      ServedFamily family,
      List<Outcome<Content>> items,
      Detail detail,
      Function<ServableModel, Set<String>> outputs,
      CallRecord record)
      throws InterruptedException {
    try (Places places = Places.reserve(family, items, record.call())) {
      List<Outcome<Prepared>> prepared =
          cpu.each(
              items, item -> attempt(item, content -> prepare(family, content, detail, record)));
      return infer(family, prepared, places, outputs, record);
    }
  }

  /// As [#run] for the patches of one image, whose own faults are thrown too.
  Encoded image(ServedFamily family, Content.Image image, Set<String> outputs, CallRecord record)
      throws InterruptedException {
    return switch (run(family, List.of(Outcome.done(image)), Detail.PATCHES, _ -> outputs, record)
        .getFirst()) {
      case Outcome.Done<Encoded>(Encoded encoded) -> encoded;
      case Outcome.Failed<Encoded>(GatewayException refusal) -> throw refusal;
    };
  }

  private Prepared prepare(ServedFamily family, Content content, Detail detail, CallRecord record)
      throws InterruptedException {
    return switch (content) {
      case Content.Image image -> prepareImage(lease(family, Role.VISION), image, detail, record);
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

  private Prepared prepareImage(Lease lease, Content.Image image, Detail detail, CallRecord record)
      throws InterruptedException {
    ImageProcessor processor = detail.of(lease.model().imageProcessor().orElseThrow());
    PrepareImages.Prepared prepared = prepareImages.run(image, processor, lease, record);
    return new Prepared(
        Role.VISION, prepared.processed().inputs(), prepared.facts(), prepared.processed().grid());
  }

  private Prepared prepareText(Lease lease, Content.Text text, CallRecord record)
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
            return new Prepared(
                Role.TEXT,
                TextInputs.row(model, encoding, lease),
                new Embedding.TextFacts(encoding.length(), encoding.truncated()),
                Optional.empty());
          }
        });
  }

  /// Runs what has been prepared, all rows of an encoder together.
  private static List<Outcome<Encoded>> infer(
      ServedFamily family,
      List<Outcome<Prepared>> prepared,
      Places places,
      Function<ServableModel, Set<String>> outputs,
      CallRecord record)
      throws InterruptedException {
    List<Outcome<Encoded>> encoded = new ArrayList<>(Collections.nCopies(prepared.size(), null));
    Map<Role, List<Integer>> placesByRole = new EnumMap<>(Role.class);
    for (int place = 0; place < prepared.size(); place++) {
      switch (prepared.get(place)) {
        case Outcome.Failed<Prepared>(GatewayException refusal) ->
            encoded.set(place, Outcome.failed(refusal));
        case Outcome.Done<Prepared>(Prepared row) ->
            placesByRole.computeIfAbsent(row.role(), _ -> new ArrayList<>()).add(place);
      }
    }
    for (Map.Entry<Role, List<Integer>> sameRole : placesByRole.entrySet()) {
      Lease lease = family.lease(sameRole.getKey());
      List<Prepared> rows = new ArrayList<>();
      sameRole.getValue().forEach(place -> prepared.get(place).then(rows::add));
      List<Outcome<Map<String, Tensor>>> answers =
          infer(
              lease,
              rows.stream().map(Prepared::inputs).toList(),
              outputs.apply(lease.model()),
              places.of(sameRole.getKey()),
              record);
      for (int i = 0; i < rows.size(); i++) {
        Prepared row = rows.get(i);
        encoded.set(
            sameRole.getValue().get(i),
            answers.get(i).then(a -> new Encoded(row, new ModelAnswer(lease.model(), a))));
      }
      record.used(lease.model(), family.kind());
    }
    return encoded;
  }

  static List<Outcome<Map<String, Tensor>>> infer(
      Lease lease,
      List<Map<String, Tensor>> rows,
      Set<String> outputs,
      Place place,
      CallRecord record)
      throws InterruptedException {
    return lease.infer(
        new InferRequest(
            rows,
            outputs,
            record.call().deadline(),
            record.call().criticality(),
            place,
            record.timings()));
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
  static <U> Outcome<U> itemsOwn(GatewayException refusal) {
    return switch (refusal.reason().kind()) {
      case INVALID, NOT_FOUND, UNSUPPORTED -> Outcome.failed(refusal);
      case EXISTS, CONFLICT, EXHAUSTED, UNAVAILABLE, LATE, CANCELLED, FAULT -> throw refusal;
    };
  }
}
