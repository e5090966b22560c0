package dev.fovea.generate;

import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.Decoding;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Generates a text: gives the decoder the prompt, then one token after the other, until a reason
/// to stop. What holds the state, and how steps of many texts are batched, is the engine's affair;
/// a decoupled model takes the prompt and says all of its tokens by itself.
///
/// It ends a little before the deadline, so that the text so far arrives. Leaving it, however that
/// happens, gives the engine its place back.
public final class Generator {
  private static final long LONGEST_MARGIN_NANOS = 100_000_000;
  private static final long SHORTEST_MARGIN_NANOS = 2_000_000;

  /// The part of a call's time that is kept for its answer to arrive.
  private static final int MARGIN_PART = 8;

  private Generator() {}

  /// @param lease a loaded decoder
  /// @param prompt shorter than the model's context
  /// @param reader told of the text as it comes, on this thread; what it throws ends the text
  /// @throws GatewayException as the engine does; what was told before stays true
  public static Ending run(
      Lease lease,
      Prompt prompt,
      GenerationOptions options,
      Optional<Constraint> constraint,
      Terms terms,
      Consumer<Delta> reader)
      throws InterruptedException {
    Decoding decoding = lease.model().decoding().orElseThrow();
    Writing writing =
        new Writing(lease.model().name(), decoding, prompt, options, constraint, reader);
    Deadline end = withMargin(terms.deadline());
    Terms sooner = terms.until(end);
    try {
      if (lease.model().signature().interaction() == Interaction.DECOUPLED) {
        listen(lease, prompt, options, sooner, writing);
      } else {
        write(lease, prompt, options, sooner, writing);
      }
    } catch (GatewayException refusal) {
      boolean late = refusal.reason() == Reason.DEADLINE_EXCEEDED && !terms.deadline().expired();
      if (!late || writing.count() == 0) {
        throw refusal;
      }
      writing.stopForDeadline();
    }
    return writing.ending();
  }

  private static Deadline withMargin(Deadline deadline) {
    long margin =
        Math.clamp(
            deadline.remainingNanos() / MARGIN_PART, SHORTEST_MARGIN_NANOS, LONGEST_MARGIN_NANOS);
    return new Deadline(deadline.clock(), deadline.atNanos() - margin);
  }

  /// Whether a decoder can tell where on the images it looks: a stepped one with the output
  /// `cross_attention`.
  public static boolean tellsRelevance(ServableModel model) {
    return model.signature().interaction() == Interaction.SEQUENCE
        && model
            .signature()
            .output(Decode.ATTENTION)
            .filter(spec -> spec.type() == DataType.FP32 && spec.shape().rank() == 2)
            .isPresent();
  }

  private static void write(
      Lease lease, Prompt prompt, GenerationOptions options, Terms terms, Writing writing)
      throws InterruptedException {
    try (Decode decode = Decode.open(lease, prompt, terms, options.relevance())) {
      Decode.Reading reading = decode.read(prompt.ids());
      for (Optional<Integer> token = writing.next(reading);
          token.isPresent();
          token = writing.next(reading)) {
        if (terms.deadline().expired()) {
          writing.stopForDeadline();
          return;
        }
        reading = decode.read(token.get());
      }
    }
  }

  private static void listen(
      Lease lease, Prompt prompt, GenerationOptions options, Terms terms, Writing writing)
      throws InterruptedException {
    Map<String, Tensor> row = Decoupled.row(lease.model(), prompt, options);
    try (AnswerStream answers =
        lease.openStream(terms.request(row, Set.of(Decoupled.OUTPUT_IDS)))) {
      while (!writing.hasEnded()) {
        Optional<Map<String, Tensor>> answer = answers.next();
        if (answer.isEmpty()) {
          writing.stop();
          return;
        }
        Decoupled.tokens(answer.get())
            .forEach(token -> {
              if (!writing.hasEnded()) {
                writing.take(token);
              }
            });
      }
    }
  }
}
