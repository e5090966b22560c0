package dev.fovea.rpc;

import dev.fovea.call.Caller;
import dev.fovea.failure.GatewayException;
import dev.fovea.generate.Constraint.Rule;
import dev.fovea.generate.GenerationOptions.Relevance;
import dev.fovea.generate.GenerationOptions.Sampling;
import dev.fovea.model.Decoding;
import dev.fovea.task.CaptionImages;
import dev.fovea.task.Content;
import dev.fovea.task.Conversation;
import dev.fovea.task.Conversation.Speaker;
import dev.fovea.task.TextRequest;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.Choices;
import dev.fovea.v1.Constraint;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.Turn;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// Reads what texts shall be generated, and how. An option that is out of range, or contradicts
/// another, is refused by its field.
final class GenerationReader {
  private static final int MAX_TOKENS = 1 << 20;
  private static final int MAX_STOP_STRINGS = 16;
  private static final int MAX_STOP_LENGTH = 256;
  private static final int MAX_ALTERNATIVES = 20;
  private static final int MAX_BEAMS = 8;
  private static final int MAX_CHOICES = 256;
  private static final int MAX_CHOICE_LENGTH = 1024;
  private static final int MAX_REGEX_LENGTH = 4096;
  private static final int MAX_SCHEMA_LENGTH = 65_536;
  private static final int MAX_TURNS = 64;
  private static final int MAX_PARTS = 64;

  private final RequestLimits limits;
  private final ImageReader images;

  GenerationReader(RequestLimits limits, ImageReader images) {
    this.limits = limits;
    this.images = images;
  }

  /// Whether a call can search with several beams.
  enum Beams {
    ALLOWED,
    REFUSED
  }

  /// @param constraint null when the request has none
  static TextRequest request(
      GenerationOptions options, @Nullable Constraint constraint, Decoding decoding, Beams beams) {
    Optional<Rule> rule = Optional.ofNullable(constraint).map(GenerationReader::rule);
    int maxTokens =
        whole("max_tokens", options.hasMaxTokens(), options.getMaxTokens(), 1, MAX_TOKENS)
            .orElse(decoding.defaultMaxTokens());
    int minTokens =
        whole("min_tokens", options.hasMinTokens(), options.getMinTokens(), 0, maxTokens).orElse(0);
    double temperature =
        number("temperature", options.hasTemperature(), options.getTemperature(), 0, 100, 0);
    OptionalInt topK = whole("top_k", options.hasTopK(), options.getTopK(), 1, Integer.MAX_VALUE);
    boolean narrowed = options.hasTopK() || options.hasTopP() || options.hasMinP();
    if (narrowed && temperature == 0) {
      throw invalid("temperature", 0, "above 0, with top_k, top_p or min_p");
    }
    double topP = number("top_p", options.hasTopP(), options.getTopP(), Float.MIN_VALUE, 1, 1);
    double minP = number("min_p", options.hasMinP(), options.getMinP(), 0, 1, 0);
    double penalty =
        number(
            "repetition_penalty",
            options.hasRepetitionPenalty(),
            options.getRepetitionPenalty(),
            Float.MIN_VALUE,
            10,
            1);
    long seed =
        options.hasSeed()
            ? options.getSeed()
            : temperature == 0 ? 0 : ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
    OptionalInt alternatives =
        whole(
            "log_probabilities",
            options.hasLogProbabilities(),
            options.getLogProbabilities(),
            0,
            MAX_ALTERNATIVES);
    int width = whole("beams", options.hasBeams(), options.getBeams(), 1, MAX_BEAMS).orElse(1);
    List<String> stops = stopStrings(options.getStopStringsList());
    if (!stops.isEmpty() && rule.isPresent()) {
      throw invalid("stop_strings", stops.size(), "none beside a constraint");
    }
    boolean plain =
        beams == Beams.ALLOWED
            && temperature == 0
            && penalty == 1
            && stops.isEmpty()
            && rule.isEmpty()
            && alternatives.isEmpty()
            && !options.getRelevance();
    if (width > 1 && !plain) {
      throw invalid(
          "beams",
          width,
          "1, unless a caption that is not streamed has neither temperature, penalty, constraint,"
              + " stop strings, log-probabilities nor relevance");
    }
    return new TextRequest(
        new dev.fovea.generate.GenerationOptions(
            maxTokens,
            minTokens,
            new Sampling(temperature, topK.orElse(0), topP, minP, penalty, seed),
            stops,
            alternatives,
            width,
            true,
            options.getRelevance() ? Relevance.TOLD : Relevance.LEFT_OUT),
        rule);
  }

  private static GatewayException invalid(String option, Object value, String expected) {
    return GatewayException.invalidField("options." + option, value, expected);
  }

  private static OptionalInt whole(String option, boolean given, int value, int min, int max) {
    if (!given) {
      return OptionalInt.empty();
    }
    if (value < min || value > max) {
      throw invalid(option, Integer.toUnsignedLong(value), min + " to " + max);
    }
    return OptionalInt.of(value);
  }

  private static double number(
      String option, boolean given, float value, float min, float max, double otherwise) {
    if (!given) {
      return otherwise;
    }
    if (!(value >= min && value <= max)) {
      String least = min == Float.MIN_VALUE ? "above 0" : (long) min + "";
      throw invalid(option, value, "a number, " + least + " to " + (long) max);
    }
    return value;
  }

  private static List<String> stopStrings(List<String> stops) {
    if (!stops.isEmpty()) {
      RequestLimits.requireCount("options.stop_strings", stops.size(), MAX_STOP_STRINGS);
    }
    for (int i = 0; i < stops.size(); i++) {
      requireLength("options.stop_strings[" + i + "]", stops.get(i), MAX_STOP_LENGTH);
    }
    return stops;
  }

  private static void requireLength(String field, String text, int max) {
    if (text.isEmpty() || text.length() > max) {
      throw GatewayException.invalidField(field, text, "1 to " + max + " characters");
    }
  }

  private static Rule rule(Constraint constraint) {
    return switch (constraint.getKindCase()) {
      case CHOICES -> new Rule.Choices(choices("constraint.choices", constraint.getChoices()));
      case REGEX -> {
        requireLength("constraint.regex", constraint.getRegex(), MAX_REGEX_LENGTH);
        yield new Rule.Regex(constraint.getRegex());
      }
      case JSON_SCHEMA -> {
        requireLength("constraint.json_schema", constraint.getJsonSchema(), MAX_SCHEMA_LENGTH);
        yield new Rule.JsonSchema(constraint.getJsonSchema());
      }
      case KIND_NOT_SET ->
          throw GatewayException.invalidField(
              "constraint.kind", "nothing", "choices, regex or json_schema");
    };
  }

  static List<String> choices(String field, Choices choices) {
    RequestLimits.requireCount(field + ".values", choices.getValuesCount(), MAX_CHOICES);
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < choices.getValuesCount(); i++) {
      String at = field + ".values[" + i + "]";
      requireLength(at, choices.getValues(i), MAX_CHOICE_LENGTH);
      if (!seen.add(choices.getValues(i))) {
        throw GatewayException.invalidField(at, choices.getValues(i), "no two alike");
      }
    }
    return choices.getValuesList();
  }

  static CaptionImages.Style style(CaptionStyle style, int value) {
    return switch (style) {
      case CAPTION_STYLE_UNSPECIFIED, CAPTION_STYLE_BRIEF -> CaptionImages.Style.BRIEF;
      case CAPTION_STYLE_DETAILED -> CaptionImages.Style.DETAILED;
      case UNRECOGNIZED -> throw GatewayException.invalidField("style", value, "a known style");
    };
  }

  /// @param caller whose handles are meant
  Conversation conversation(List<Turn> turns, Caller caller) {
    RequestLimits.requireCount("turns", turns.size(), MAX_TURNS);
    List<Conversation.Turn> read = new ArrayList<>();
    for (int i = 0; i < turns.size(); i++) {
      try {
        read.add(turn(turns.get(i), i % 2 == 0 ? Speaker.USER : Speaker.ASSISTANT, caller));
      } catch (GatewayException refusal) {
        throw refusal.under("turns[" + i + "]");
      }
    }
    Conversation conversation = new Conversation(read);
    if (turns.size() % 2 == 0) {
      throw GatewayException.invalidField(
          "turns[" + (turns.size() - 1) + "].role", "the assistant", "the user, in the last turn");
    }
    if (conversation.images().isEmpty()) {
      throw GatewayException.invalidField("turns", "no image", "1 at least");
    }
    return conversation;
  }

  private Conversation.Turn turn(Turn turn, Speaker expected, Caller caller) {
    Speaker speaker =
        switch (turn.getRole()) {
          case TURN_ROLE_USER -> Speaker.USER;
          case TURN_ROLE_ASSISTANT -> Speaker.ASSISTANT;
          case TURN_ROLE_UNSPECIFIED, UNRECOGNIZED ->
              throw GatewayException.invalidField(
                  "role", turn.getRoleValue(), "TURN_ROLE_USER or TURN_ROLE_ASSISTANT");
        };
    if (speaker != expected) {
      throw GatewayException.invalidField(
          "role", speaker.name(), expected.name() + ": they speak by turns, the user first");
    }
    RequestLimits.requireCount("parts", turn.getPartsCount(), MAX_PARTS);
    List<String> texts = new ArrayList<>();
    List<Content.Image> shown = new ArrayList<>();
    for (int i = 0; i < turn.getPartsCount(); i++) {
      part("parts[" + i + "]", turn.getParts(i), speaker, caller, texts, shown);
    }
    String text = String.join(" ", texts);
    if (text.isBlank()) {
      throw GatewayException.invalidField("parts", text, "a text that is not blank");
    }
    return new Conversation.Turn(speaker, text, shown);
  }

  private void part(
      String field,
      dev.fovea.v1.Content part,
      Speaker speaker,
      Caller caller,
      List<String> texts,
      List<Content.Image> shown) {
    switch (part.getKindCase()) {
      case TEXT -> {
        limits.requireText(field + ".text.value", part.getText().getValue());
        texts.add(part.getText().getValue());
      }
      case IMAGE -> {
        if (speaker != Speaker.USER) {
          throw GatewayException.invalidField(field, "an image", "a text: images are the user's");
        }
        try {
          shown.add(images.read(part.getImage(), caller));
        } catch (GatewayException refusal) {
          throw refusal.under(field + ".image");
        }
      }
      case KIND_NOT_SET ->
          throw GatewayException.invalidField(field, "nothing", "an image or a text");
    }
  }

  /// An image of a request, named from its field.
  Content.Image image(dev.fovea.v1.Image image, Caller caller) {
    try {
      return images.read(image, caller);
    } catch (GatewayException refusal) {
      throw refusal.under("image");
    }
  }
}
