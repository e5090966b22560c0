package dev.fovea.task;

import dev.fovea.admission.CpuGate;
import dev.fovea.cache.ContentKey;
import dev.fovea.cache.Flight;
import dev.fovea.cache.ResultCache;
import dev.fovea.cache.ResultCache.Claim;
import dev.fovea.call.Caller;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.Outcome;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Region;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Gives items the vectors that were made before of the same content, and has only the others made.
/// Content that several calls bring at once is embedded by the first of them; the others wait for
/// it. Where that call fails or its caller goes away, one of them takes over.
///
/// Content is the same when every byte, every option that changes what is seen, the model's file
/// and its preprocessing are the same. And the caller, unless all share: how long an answer takes
/// tells whether somebody has asked for the same before, and that is nobody else's business.
public final class ReuseEmbeddings {
  /// Bytes to hash that take as long as a pixel to decode, about.
  static final int BYTES_A_PIXEL = 8;

  private final Optional<ResultCache<Embedding>> cache;
  private final Sharing sharing;
  private final CpuGate cpu;

  /// Who finds what was made for a caller.
  public enum Sharing {
    /// That caller alone.
    CALLER,
    /// Every caller of this server.
    SERVER
  }

  /// @param cache empty to have every vector made anew
  public ReuseEmbeddings(Optional<ResultCache<Embedding>> cache, Sharing sharing, CpuGate cpu) {
    this.cache = cache;
    this.sharing = sharing;
    this.cpu = cpu;
  }

  /// Makes the vectors of items.
  @FunctionalInterface
  interface Making {
    List<Outcome<Embedding>> of(List<Outcome<Content>> items) throws InterruptedException;
  }

  /// @return one outcome an item, in order
  /// @throws dev.fovea.failure.GatewayException as `making`; with `DEADLINE_EXCEEDED` also when
  ///   another call takes too long
  List<Outcome<Embedding>> run(
      ServedFamily family, List<Outcome<Content>> items, CallRecord record, Making making)
      throws InterruptedException {
    if (cache.isEmpty()) {
      return making.of(items);
    }
    List<Optional<ContentKey>> keys = cpu.each(items, item -> key(family, item, record));
    Answers answers = new Answers(family, items, record);
    List<Integer> open = answers.places();
    while (!open.isEmpty()) {
      open = round(cache.get(), keys, open, answers, making);
    }
    return answers.all();
  }

  /// Takes what is there, has made what nobody makes, and waits for what others make: in this
  /// order, for two calls that waited for each other would wait for ever.
  ///
  /// @return the places whose flights were given up
  private static List<Integer> round(
      ResultCache<Embedding> cache,
      List<Optional<ContentKey>> keys,
      List<Integer> open,
      Answers answers,
      Making making)
      throws InterruptedException {
    Map<Integer, Optional<Flight<Embedding>>> own = new LinkedHashMap<>();
    Map<Integer, Flight<Embedding>> others = new LinkedHashMap<>();
    try {
      for (int place : open) {
        if (keys.get(place).isEmpty()) {
          own.put(place, Optional.empty());
          continue;
        }
        switch (cache.claim(keys.get(place).get())) {
          case Claim.Hit<Embedding>(Embedding found) -> answers.reuse(place, Outcome.done(found));
          case Claim.Lead<Embedding>(Flight<Embedding> flight) ->
              own.put(place, Optional.of(flight));
          case Claim.Follow<Embedding>(Flight<Embedding> flight) -> others.put(place, flight);
        }
      }
      answers.make(own, making);
    } finally {
      own.values().forEach(flight -> flight.ifPresent(Flight::close));
    }
    List<Integer> givenUp = new ArrayList<>();
    for (Map.Entry<Integer, Flight<Embedding>> follow : others.entrySet()) {
      Optional<Outcome<Embedding>> shared =
          follow.getValue().await(answers.record.call().deadline());
      if (shared.isPresent()) {
        answers.reuse(follow.getKey(), shared.get());
      } else {
        givenUp.add(follow.getKey());
      }
    }
    return givenUp;
  }

  /// What is known of the items of one call so far.
  private static final class Answers {
    private final ServedFamily family;
    private final List<Outcome<Content>> items;
    private final CallRecord record;
    private final List<Outcome<Embedding>> embeddings;

    Answers(ServedFamily family, List<Outcome<Content>> items, CallRecord record) {
      this.family = family;
      this.items = items;
      this.record = record;
      this.embeddings = new ArrayList<>(Collections.nCopies(items.size(), null));
    }

    List<Integer> places() {
      List<Integer> places = new ArrayList<>();
      for (int place = 0; place < items.size(); place++) {
        places.add(place);
      }
      return places;
    }

    void make(Map<Integer, Optional<Flight<Embedding>>> flights, Making making)
        throws InterruptedException {
      if (flights.isEmpty()) {
        return;
      }
      List<Outcome<Embedding>> made = making.of(flights.keySet().stream().map(items::get).toList());
      int next = 0;
      for (Map.Entry<Integer, Optional<Flight<Embedding>>> flight : flights.entrySet()) {
        Outcome<Embedding> outcome = made.get(next++);
        embeddings.set(flight.getKey(), outcome);
        flight.getValue().ifPresent(f -> f.end(outcome));
      }
    }

    void reuse(int place, Outcome<Embedding> outcome) {
      embeddings.set(place, outcome.then(Embedding::reused));
      if (outcome instanceof Outcome.Done<Embedding>(Embedding embedding)) {
        Role role = embedding.facts().role();
        record.reused(role);
        record.used(family.lease(role).model(), family.kind());
      }
    }

    List<Outcome<Embedding>> all() {
      return embeddings;
    }
  }

  /// Empty for an item that cannot be embedded: there is nothing to share.
  private Optional<ContentKey> key(ServedFamily family, Outcome<Content> item, CallRecord record)
      throws InterruptedException {
    if (!(item instanceof Outcome.Done<Content>(Content content)) || !family.has(content.role())) {
      return Optional.empty();
    }
    return Optional.of(
        cpu.run(
            record.call().deadline(),
            size(content) / BYTES_A_PIXEL,
            record.timings(),
            () -> key(family, content, record.call().caller())));
  }

  private static long size(Content content) {
    return switch (content) {
      case Content.Image image -> image.source().bytes().remaining();
      case Content.Text text -> text.value().length();
    };
  }

  private ContentKey key(ServedFamily family, Content content, Caller caller) {
    ServableModel model = family.lease(content.role()).model();
    ContentKey.Parts parts =
        new ContentKey.Parts()
            .add(sharing == Sharing.CALLER ? caller.id() : "")
            .add(model.name())
            .add(model.version())
            .add(model.artifactDigest())
            .add(model.preprocessingDigest())
            .add(content.role());
    switch (content) {
      case Content.Image(ImageSource source, ImageOptions options, Region region) ->
          add(source, options, region, parts);
      case Content.Text text -> parts.add(text.truncation()).add(text.value());
    }
    return parts.key();
  }

  /// Adds all of an image that changes what is seen.
  static void add(ImageSource source, ImageOptions options, Region region, ContentKey.Parts parts) {
    switch (source) {
      case ImageSource.Encoded _ -> parts.add("file");
      case ImageSource.Raw raw ->
          parts.add(raw.format()).add(raw.width()).add(raw.height()).add(raw.stride());
    }
    parts
        .add(source.bytes())
        .add(options.applyOrientation() ? 1 : 0)
        .add(options.alphaBackground().orElse(-1))
        .add(options.frameIndex())
        .add(options.detail())
        .add(region.xMin())
        .add(region.yMin())
        .add(region.xMax())
        .add(region.yMax());
  }
}
