package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.GenerationOptions.Relevance;
import dev.fovea.model.Decoding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One text while it is written: takes the model's logits, chooses a token, and sends what may be
/// sent. It ends for exactly one reason. Of one thread.
final class Writing {
  private final String model;
  private final Decoding decoding;
  private final GenerationOptions options;
  private final Optional<Constraint> constraint;
  private final Consumer<Delta> reader;
  private final List<Prompt.Patches> patches;
  private final int limit;
  private final Sampler sampler;
  private final Detokenizer detokenizer;
  private final StopStrings stops;
  private int state = Constraint.START;
  private int count;
  private double logProbability;
  private Optional<Ending.Reason> ended = Optional.empty();

  Writing(
      String model,
      Decoding decoding,
      Prompt prompt,
      GenerationOptions options,
      Optional<Constraint> constraint,
      Consumer<Delta> reader) {
    this.model = model;
    this.decoding = decoding;
    this.options = options;
    this.constraint = constraint;
    this.reader = reader;
    this.patches = prompt.patches();
    this.limit = Math.min(options.maxTokens(), decoding.contextLength() - prompt.length());
    this.sampler = new Sampler(options.sampling());
    this.detokenizer = new Detokenizer(decoding.vocabulary());
    this.stops = new StopStrings(options.stopStrings());
    for (long id : prompt.ids()) {
      sampler.saw(id);
    }
  }

  int count() {
    return count;
  }

  /// Chooses the next token.
  ///
  /// @return the token, or empty when the text has ended with it
  Optional<Integer> next(Decode.Reading reading) {
    float[] logits = reading.logits();
    Distribution distribution = Distribution.of(model, logits);
    int token = sampler.next(logits, allowed(logits.length));
    logProbability += options.scored() ? distribution.logProbability(token) : 0;
    List<Delta.Token> told = told(token, distribution, reading.attention());
    count++;
    if (decoding.endIds().contains(token)) {
      send(stops.rest(), told);
      ended = Optional.of(Ending.Reason.STOP);
      return Optional.empty();
    }
    take(token, told);
    return ended.isPresent() ? Optional.empty() : Optional.of(token);
  }

  /// Takes a token that the model itself has chosen, of a decoder that generates by itself.
  void take(int token) {
    count++;
    if (decoding.endIds().contains(token)) {
      send(stops.rest(), List.of());
      ended = Optional.of(Ending.Reason.STOP);
    } else {
      take(token, List.of());
    }
  }

  private void take(int token, List<Delta.Token> told) {
    sampler.saw(token);
    state = constraint.map(held -> held.next(state, token)).orElse(state);
    String text = stops.add(detokenizer.add(token), count >= options.minTokens());
    boolean over = constraint.isPresent() && constraint.get().isOver(state);
    if (stops.matched().isPresent()) {
      ended = Optional.of(Ending.Reason.STOP_STRING);
    } else if (over) {
      ended = Optional.of(Ending.Reason.STOP);
    } else if (count >= limit) {
      ended = Optional.of(Ending.Reason.LENGTH);
    }
    send(ended.isPresent() ? text + stops.rest() : text, told);
  }

  private void send(String text, List<Delta.Token> told) {
    reader.accept(new Delta(text, told, 1));
  }

  private List<Delta.Token> told(int token, Distribution distribution, float[] attention) {
    if (!options.tellsTokens()) {
      return List.of();
    }
    List<Delta.Token> alternatives = new ArrayList<>();
    for (int id : distribution.likeliest(options.logProbabilities().orElse(0))) {
      alternatives.add(new Delta.Token(id, distribution.logProbability(id), List.of(), List.of()));
    }
    return List.of(
        new Delta.Token(
            token, distribution.logProbability(token), alternatives, relevance(attention)));
  }

  /// What the patches of each image had of the decoder's attention.
  private List<float[]> relevance(float[] attention) {
    if (options.relevance() == Relevance.LEFT_OUT) {
      return List.of();
    }
    List<float[]> images = new ArrayList<>();
    for (Prompt.Patches image : patches) {
      if (image.end() > attention.length) {
        throw unusable("attention over " + attention.length + " patches of " + image.end());
      }
      images.add(Arrays.copyOfRange(attention, image.from(), image.end()));
    }
    for (float part : attention) {
      if (!Float.isFinite(part)) {
        throw unusable("attention that is not finite");
      }
    }
    return images;
  }

  private GatewayException unusable(String how) {
    return new GatewayException(Reason.BACKEND_ERROR, model + " answered with " + how)
        .with("model", model);
  }

  /// The tokens that may come now; null for all.
  private @Nullable BitSet allowed(int tokens) {
    if (constraint.isEmpty() && count >= options.minTokens()) {
      return null;
    }
    BitSet allowed = new BitSet(tokens);
    boolean mayEnd = count >= options.minTokens();
    if (constraint.isPresent()) {
      allowed.or(constraint.get().allowed(state));
      // Where nothing else may come, the text is over however short it is.
      mayEnd = constraint.get().accepts(state) && (mayEnd || allowed.isEmpty());
    } else {
      allowed.set(0, tokens);
    }
    for (int end : decoding.endIds()) {
      allowed.set(end, mayEnd);
    }
    if (allowed.isEmpty()) {
      throw new GatewayException(
              Reason.CONSTRAINT_NOT_SUPPORTED,
              "the tokens of " + model + " cannot write what the constraint wants")
          .with("model", model)
          .with("constraint", "constraint");
    }
    return allowed;
  }

  /// Ends it because the deadline is near.
  void stopForDeadline() {
    if (ended.isEmpty()) {
      reader.accept(new Delta(stops.rest(), List.of(), 0));
      ended = Optional.of(Ending.Reason.DEADLINE);
    }
  }

  /// Ends it because the model says no more.
  void stop() {
    if (ended.isEmpty()) {
      reader.accept(new Delta(stops.rest(), List.of(), 0));
      ended = Optional.of(Ending.Reason.STOP);
    }
  }

  boolean hasEnded() {
    return ended.isPresent();
  }

  Ending ending() {
    return new Ending(ended.orElseThrow(), stops.matched().orElse(""), count, logProbability);
  }
}
