package dev.fovea.cli;

import dev.fovea.v1.Choices;
import dev.fovea.v1.Constraint;
import dev.fovea.v1.GenerationOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What a command line may say of the text it wants.
final class GenerationArguments {
  @Option(names = "--max-tokens", description = "Most tokens. Default: the model's own")
  private @Nullable Integer maxTokens;

  @Option(names = "--min-tokens", description = "Least tokens. Default: 0")
  private @Nullable Integer minTokens;

  @Option(
      names = "--temperature",
      description = "0: the likeliest token each time; above: drawn at random. Default: 0")
  private @Nullable Float temperature;

  @Option(names = "--top-k", description = "Draw from so many likeliest tokens")
  private @Nullable Integer topK;

  @Option(names = "--top-p", description = "Draw from tokens of this probability together")
  private @Nullable Float topP;

  @Option(
      names = "--min-p",
      description = "Draw from tokens at least this likely, of the likeliest")
  private @Nullable Float minP;

  @Option(names = "--repetition-penalty", description = "Above 1: repeat less. Default: 1")
  private @Nullable Float repetitionPenalty;

  @Option(names = "--seed", description = "Equal seeds draw equal texts")
  private @Nullable Long seed;

  @Option(names = "--stop", description = "End before this text; may be given several times")
  private List<String> stops = new ArrayList<>();

  @Option(
      names = "--choices",
      split = ",",
      description = "Answer with one of these, separated by commas")
  private List<String> choices = new ArrayList<>();

  @Option(names = "--regex", description = "Answer with what this regular expression matches")
  private @Nullable String regex;

  @Option(names = "--json-schema", description = "Answer with an instance of this JSON Schema")
  private @Nullable String jsonSchema;

  GenerationOptions.Builder options() {
    GenerationOptions.Builder options = GenerationOptions.newBuilder().addAllStopStrings(stops);
    if (maxTokens != null) {
      options.setMaxTokens(maxTokens);
    }
    if (minTokens != null) {
      options.setMinTokens(minTokens);
    }
    if (temperature != null) {
      options.setTemperature(temperature);
    }
    if (topK != null) {
      options.setTopK(topK);
    }
    if (topP != null) {
      options.setTopP(topP);
    }
    if (minP != null) {
      options.setMinP(minP);
    }
    if (repetitionPenalty != null) {
      options.setRepetitionPenalty(repetitionPenalty);
    }
    if (seed != null) {
      options.setSeed(seed);
    }
    return options;
  }

  Optional<Constraint> constraint() {
    if (regex != null) {
      return Optional.of(Constraint.newBuilder().setRegex(regex).build());
    }
    if (jsonSchema != null) {
      return Optional.of(Constraint.newBuilder().setJsonSchema(jsonSchema).build());
    }
    return choices.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Constraint.newBuilder().setChoices(Choices.newBuilder().addAllValues(choices)).build());
  }
}
