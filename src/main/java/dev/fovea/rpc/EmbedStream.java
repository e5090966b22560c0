package dev.fovea.rpc;

import dev.fovea.admission.Permit;
import dev.fovea.call.CallContext;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Kind;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import dev.fovea.rpc.BidiStream.Event;
import dev.fovea.task.CallRecord;
import dev.fovea.task.Content;
import dev.fovea.task.Embedding;
import dev.fovea.v1.DrainReason;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.StreamEmbedDraining;
import dev.fovea.v1.StreamEmbedFlow;
import dev.fovea.v1.StreamEmbedItem;
import dev.fovea.v1.StreamEmbedReady;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedResponse;
import dev.fovea.v1.StreamEmbedResult;
import dev.fovea.v1.StreamEmbedSummary;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/// One `StreamEmbed`: reads items while there is room for them, has each embedded on a thread of
/// its own once admission lets it in, and sends results while the client reads them.
///
/// All of its state belongs to the call's own thread, which goes round: begin what may begin, send
/// what is done, ask for more, wait for what happens next.
final class EmbedStream {
  /// The part of its time that is left to a stream for ending in order, and the most of it.
  private static final int ENDING_PART = 10;

  private static final Duration LONGEST_ENDING = Duration.ofSeconds(10);

  /// What other threads tell.
  sealed interface News {
    /// An item has its outcome.
    record Ended(EmbedWindow.Entry entry, Outcome<Embedding> outcome) implements News {}

    /// The service could not do its part for an item.
    record Refused(EmbedWindow.Entry entry, GatewayException refusal) implements News {}

    /// The server is about to end.
    record ServerEnds() implements News {}
  }

  private final Services services;
  private final ItemReader items;
  private final BidiStream<StreamEmbedRequest, StreamEmbedResponse, News> stream;
  private final CallContext call;
  private final CallRecord record;
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();

  private final EmbedStreamSetup setup;
  private final List<ModelRef> models;
  private final EmbedWindow window;

  /// What is sent before any result: that the stream is open, that it drains.
  private final Queue<StreamEmbedResponse> announcements = new ArrayDeque<>();

  private long lastSequence;
  private long received;
  private long embedded;
  private long refused;
  private long skipped;
  private int owedCredits;
  private boolean inputEnded;
  private boolean draining;

  /// When admission may be asked again, in the clock's nanoseconds; empty when at once.
  private Optional<Long> retryAt = Optional.empty();

  private EmbedStream(
      Services services,
      BidiStream<StreamEmbedRequest, StreamEmbedResponse, News> stream,
      CallContext call,
      EmbedStreamSetup setup) {
    this.services = services;
    this.items = services.itemReader();
    this.stream = stream;
    this.call = call;
    this.record = services.newRecord(call);
    this.setup = setup;
    this.models = models(family());
    this.window = new EmbedWindow(setup.ordered(), setup.resumeAfter());
  }

  /// Serves one stream from its first message to its summary.
  static StreamEmbedResponse serve(
      Services services,
      CallContext call,
      BidiStream<StreamEmbedRequest, StreamEmbedResponse, News> stream)
      throws InterruptedException {
    EmbedStreamSetup setup = EmbedStreamSetup.await(services, call, stream);
    EmbedStream opened = new EmbedStream(services, stream, call, setup);
    try (Drain.Notice _ = services.drain().tell(() -> stream.tell(new News.ServerEnds()))) {
      return opened.run();
    } finally {
      opened.workers.shutdownNow();
    }
  }

  private StreamEmbedResponse run() throws InterruptedException {
    announcements.add(ready());
    long drainAt = drainAt();
    while (true) {
      if (drainAt - now() <= 0) {
        drain(DrainReason.DRAIN_REASON_TIME);
      }
      beginWhatMay();
      sendWhatIsDone();
      askForMore();
      if (isOver()) {
        return summary();
      }
      call.deadline().check("the rest of the stream");
      takeNext(drainAt);
    }
  }

  private long drainAt() {
    Duration left = Duration.ofNanos(call.deadline().remainingNanos());
    long ending = Math.min(left.dividedBy(ENDING_PART).toNanos(), LONGEST_ENDING.toNanos());
    return call.deadline().atNanos() - ending;
  }

  private StreamEmbedResponse ready() {
    return StreamEmbedResponse.newBuilder()
        .setReady(
            StreamEmbedReady.newBuilder()
                .setRequestId(call.requestId())
                .addAllModels(models)
                .setMaxInFlight(setup.maxInFlight())
                .setMaxInFlightBytes(maxBytes())
                .setCredits(setup.maxInFlight())
                .setMaxMessageBytes(maxBytes()))
        .build();
  }

  /// As many bytes of items at once as one call could bring.
  private int maxBytes() {
    return services.limits().maxMessageBytes();
  }

  /// Begins items in the order in which they came, as far as admission lets them in.
  private void beginWhatMay() {
    while (!draining && window.firstWaiting().isPresent() && !mustWait()) {
      ServedFamily family = family();
      if (!models(family).equals(models)) {
        drain(DrainReason.DRAIN_REASON_MODEL);
        return;
      }
      Optional<Permit> permit = permit();
      if (permit.isPresent()) {
        EmbedWindow.Entry entry = window.firstWaiting().get();
        window.begin();
        Item item = entry.item();
        Permit taken = permit.get();
        workers.execute(() -> stream.tell(embed(family, entry, item, taken)));
      }
    }
  }

  private boolean mustWait() {
    if (retryAt.isPresent() && retryAt.get() - now() > 0) {
      return true;
    }
    retryAt = Optional.empty();
    return false;
  }

  private Optional<Permit> permit() {
    try {
      return Optional.of(services.limiter().acquire(call, 1));
    } catch (GatewayException refusal) {
      waitAfter(refusal);
      return Optional.empty();
    }
  }

  /// A server that is full for now is waited for; anything else ends the stream.
  private void waitAfter(GatewayException refusal) {
    if (refusal.reason().kind() != Kind.EXHAUSTED || refusal.retryAfter().isEmpty()) {
      throw refusal;
    }
    retryAt = Optional.of(now() + refusal.retryAfter().get().toNanos());
  }

  private News embed(ServedFamily family, EmbedWindow.Entry entry, Item item, Permit permit) {
    try (permit) {
      List<Outcome<Content>> content = items.read(List.of(item), call.caller());
      Outcome<Embedding> outcome = services.embedItems().run(family, content, record).getFirst();
      return new News.Ended(entry, located(outcome, item));
    } catch (GatewayException refusal) {
      return new News.Refused(entry, refusal);
    } catch (InterruptedException e) {
      // The stream has ended: nobody hears this.
      return new News.Refused(entry, StatusMapper.unexpected(e));
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      return new News.Refused(entry, StatusMapper.unexpected(e));
    }
  }

  private static Outcome<Embedding> located(Outcome<Embedding> outcome, Item item) {
    return switch (outcome) {
      case Outcome.Done<Embedding> done -> done;
      case Outcome.Failed<Embedding>(GatewayException refusal) ->
          Outcome.failed(ItemReader.locate(refusal, item).under("item.item"));
    };
  }

  private void askForMore() {
    if (!inputEnded
        && !draining
        && window.size() < setup.maxInFlight()
        && window.bytes() < maxBytes()) {
      stream.ask();
    }
  }

  private void sendWhatIsDone() {
    while (stream.hasRoom()) {
      if (!announcements.isEmpty()) {
        stream.write(announcements.remove());
      } else if (window.hasDone()) {
        stream.write(result(window.takeDone()));
        owedCredits++;
      } else if (owesCredits()) {
        stream.write(
            StreamEmbedResponse.newBuilder()
                .setFlow(StreamEmbedFlow.newBuilder().setCredits(owedCredits))
                .build());
        owedCredits = 0;
      } else {
        return;
      }
    }
  }

  /// Credits go out by the quarter of a window, so that they are few, and at the latest when the
  /// client may have none left.
  private boolean owesCredits() {
    return !inputEnded
        && !draining
        && owedCredits > 0
        && (owedCredits >= setup.maxInFlight() / 4 || window.size() == 0);
  }

  private StreamEmbedResponse result(EmbedWindow.Entry entry) {
    StreamEmbedResult.Builder result =
        StreamEmbedResult.newBuilder()
            .setSequence(entry.sequence())
            .setId(entry.id())
            .setSettledThrough(window.settledThrough());
    switch (entry.outcome()) {
      case Outcome.Done<Embedding>(Embedding embedding) -> {
        embedded++;
        result.setEmbedding(setup.writer().write(embedding));
      }
      case Outcome.Failed<Embedding>(GatewayException refusal) -> {
        refused++;
        result.setError(ReplyWriter.itemError(refusal, record));
      }
    }
    return StreamEmbedResponse.newBuilder().setResult(result).build();
  }

  /// Whether every item is answered, or, of a stream that drains, every item that was begun.
  private boolean isOver() {
    boolean sent = announcements.isEmpty() && !window.hasDone();
    return sent && (draining ? window.underWay() == 0 : inputEnded && window.size() == 0);
  }

  private StreamEmbedResponse summary() {
    return StreamEmbedResponse.newBuilder()
        .setSummary(
            StreamEmbedSummary.newBuilder()
                .setReceived(received)
                .setEmbedded(embedded)
                .setRefused(refused)
                .setSkipped(skipped)
                .setSettledThrough(window.settledThrough())
                .setFinished(inputEnded && window.size() == 0)
                .setCallInfo(ReplyWriter.callInfo(record)))
        .build();
  }

  private void takeNext(long drainAt) throws InterruptedException {
    stream.next(untilSomethingIsDue(drainAt)).ifPresent(this::take);
  }

  private long untilSomethingIsDue(long drainAt) {
    long until = draining ? call.deadline().remainingNanos() : drainAt - now();
    return retryAt.isEmpty() ? until : Math.min(until, retryAt.get() - now());
  }

  private void take(Event<StreamEmbedRequest, News> event) {
    switch (event) {
      case Event.Received<StreamEmbedRequest, News>(StreamEmbedRequest request) -> take(request);
      case Event.Closed<StreamEmbedRequest, News> _ -> inputEnded = true;
      case Event.Room<StreamEmbedRequest, News> _ -> {}
      case Event.Told<StreamEmbedRequest, News>(News news) -> take(news);
    }
  }

  private void take(StreamEmbedRequest request) {
    switch (request.getPartCase()) {
      case ITEM -> take(request.getItem());
      case FINISH -> inputEnded = true;
      case SETUP -> throw GatewayException.invalidField("part", "a second setup", "an item");
      case PART_NOT_SET ->
          throw GatewayException.invalidField("part", "nothing", "an item or finish");
    }
  }

  private void take(StreamEmbedItem item) {
    if (item.getSequence() <= lastSequence) {
      throw GatewayException.invalidField(
          "item.sequence",
          Long.toUnsignedString(item.getSequence()),
          "more than " + lastSequence + ", at most 2^63 − 1");
    }
    lastSequence = item.getSequence();
    received++;
    if (item.getSequence() <= setup.resumeAfter()) {
      skipped++;
      owedCredits++;
    } else {
      window.add(item.getSequence(), item.getItem());
    }
  }

  private void take(News news) {
    switch (news) {
      case News.Ended(EmbedWindow.Entry entry, Outcome<Embedding> outcome) ->
          window.end(entry, outcome);
      case News.Refused(EmbedWindow.Entry entry, GatewayException refusal) -> {
        waitAfter(refusal);
        window.postpone(entry);
      }
      case News.ServerEnds _ -> drain(DrainReason.DRAIN_REASON_SERVER);
    }
  }

  private void drain(DrainReason reason) {
    if (!draining) {
      draining = true;
      announcements.add(
          StreamEmbedResponse.newBuilder()
              .setDraining(StreamEmbedDraining.newBuilder().setReason(reason))
              .build());
    }
  }

  /// The family that answers now: another version may have taken its place.
  private ServedFamily family() {
    return services.catalog().get().select(setup.selector(), EmbeddingRpc.EITHER);
  }

  private static List<ModelRef> models(ServedFamily family) {
    return Stream.of(Role.VISION, Role.TEXT)
        .filter(family::has)
        .map(role -> ReplyWriter.modelRef(family.lease(role).model(), family.kind()))
        .toList();
  }

  private long now() {
    return call.deadline().clock().nanoTime();
  }
}
