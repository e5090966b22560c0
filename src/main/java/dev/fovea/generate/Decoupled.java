package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.GenerationOptions.Sampling;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/// The tensors of a decoder that generates by itself (`docs/generation.md` has the contract): the
/// prompt and the images as a stepped one takes them in its first step, one input for each option
/// that the model knows, and answers of one or more tokens each.
final class Decoupled {
  static final String OUTPUT_IDS = "output_ids";

  private Decoupled() {}

  static Map<String, Tensor> row(ServableModel model, Prompt prompt, GenerationOptions options) {
    Map<String, Tensor> row = new HashMap<>(prompt.images());
    row.put(Decode.IDS, Tensor.ofLongs(Shape.of(prompt.length()), prompt.ids()));
    Sampling sampling = options.sampling();
    Sampling greedy = Sampling.GREEDY;
    whole(model, row, "max_tokens", options.maxTokens(), true);
    whole(model, row, "min_tokens", options.minTokens(), options.minTokens() == 0);
    whole(model, row, "top_k", sampling.topK(), sampling.topK() == greedy.topK());
    whole(model, row, "seed", sampling.seed(), true);
    number(model, row, "temperature", sampling.temperature(), greedy.temperature());
    number(model, row, "top_p", sampling.topP(), greedy.topP());
    number(model, row, "min_p", sampling.minP(), greedy.minP());
    number(
        model, row, "repetition_penalty", sampling.repetitionPenalty(), greedy.repetitionPenalty());
    if (options.logProbabilities().isPresent()) {
      throw unknown(model, "log_probabilities");
    }
    return row;
  }

  private static void whole(
      ServableModel model, Map<String, Tensor> row, String name, long value, boolean dispensable) {
    if (model.signature().input(name).isPresent()) {
      row.put(name, Tensor.ofLongs(Shape.of(1), value));
    } else if (!dispensable) {
      throw unknown(model, name);
    }
  }

  private static void number(
      ServableModel model, Map<String, Tensor> row, String name, double value, double otherwise) {
    if (model.signature().input(name).isPresent()) {
      row.put(name, Tensor.ofFloats(Shape.of(1), (float) value));
    } else if (value != otherwise) {
      throw unknown(model, name);
    }
  }

  private static GatewayException unknown(ServableModel model, String option) {
    return GatewayException.invalid(
        Reason.INVALID_FIELD,
        "options." + option,
        "set",
        "nothing: " + model.name() + " generates by itself and has no such input");
  }

  /// The tokens of one answer.
  static IntStream tokens(Map<String, Tensor> answer) {
    Tensor ids = answer.get(OUTPUT_IDS);
    if (ids == null || ids.type() != DataType.INT64) {
      throw new IllegalStateException("output: no " + OUTPUT_IDS + " of INT64");
    }
    return IntStream.range(0, (int) ids.shape().elements())
        .map(i -> (int) ids.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i));
  }
}
