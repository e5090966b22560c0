package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.rpc.BidiStream.Event;
import dev.fovea.task.ModelSelector;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedSetup;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/// What holds for all items of a stream.
///
/// @param selector which model
/// @param writer the form of the vectors
/// @param ordered whether results come in the order of the items
/// @param maxInFlight most items with the server at once
/// @param resumeAfter items up to this sequence are read over
record EmbedStreamSetup(
    ModelSelector selector,
    EmbeddingWriter writer,
    boolean ordered,
    int maxInFlight,
    long resumeAfter) {
  private static final int DEFAULT_IN_FLIGHT = 32;
  private static final int MAX_IN_FLIGHT = 256;
  private static final Duration TIME = Duration.ofSeconds(10);

  /// Waits for the first message of a stream, which is its setup.
  static <N> EmbedStreamSetup await(
      Services services, CallContext call, BidiStream<StreamEmbedRequest, ?, N> stream)
      throws InterruptedException {
    StreamEmbedSetup setup = first(call.deadline(), stream);
    try {
      return read(services, setup);
    } catch (GatewayException refusal) {
      throw refusal.under("setup");
    }
  }

  private static <N> StreamEmbedSetup first(
      Deadline deadline, BidiStream<StreamEmbedRequest, ?, N> stream) throws InterruptedException {
    Deadline inTime = Deadline.after(deadline.clock(), TIME);
    stream.ask();
    while (true) {
      Optional<Event<StreamEmbedRequest, N>> next =
          stream.next(Math.min(inTime.remainingNanos(), deadline.remainingNanos()));
      if (next.isEmpty()) {
        throw Deadline.exceeded("the setup");
      }
      if (next.get() instanceof Event.Received<StreamEmbedRequest, N>(StreamEmbedRequest first)
          && first.hasSetup()) {
        return first.getSetup();
      }
      if (!(next.get() instanceof Event.Room<StreamEmbedRequest, N>)) {
        throw GatewayException.invalidField("part", "no setup", "a setup first");
      }
    }
  }

  private static EmbedStreamSetup read(Services services, StreamEmbedSetup setup) {
    VectorWriter.requireKnown(setup.getVectorEncoding(), setup.getVectorEncodingValue());
    ModelSelector selector = SelectorReader.read(setup.getModel());
    ServedFamily family = services.catalog().get().select(selector, EmbeddingRpc.EITHER);
    OptionalInt dimension =
        setup.hasOutputDimension()
            ? EmbeddingWriter.dimension(setup.getOutputDimension(), family)
            : OptionalInt.empty();
    boolean normalize = !setup.hasNormalize() || setup.getNormalize();
    if (setup.getResumeAfter() < 0) {
      throw GatewayException.invalidField(
          "resume_after", Long.toUnsignedString(setup.getResumeAfter()), "at most 2^63 − 1");
    }
    return new EmbedStreamSetup(
        selector,
        new EmbeddingWriter(dimension, normalize, setup.getVectorEncoding()),
        !setup.hasOrdered() || setup.getOrdered(),
        maxInFlight(setup),
        setup.getResumeAfter());
  }

  private static int maxInFlight(StreamEmbedSetup setup) {
    if (!setup.hasMaxInFlight()) {
      return DEFAULT_IN_FLIGHT;
    }
    int wanted = setup.getMaxInFlight();
    if (wanted == 0) {
      throw GatewayException.invalidField("max_in_flight", 0, "1 at least");
    }
    return wanted < 0 ? MAX_IN_FLIGHT : Math.min(wanted, MAX_IN_FLIGHT);
  }
}
