package dev.fovea.generate;

import dev.fovea.engine.Lease;
import dev.fovea.generate.GenerationOptions.Relevance;
import dev.fovea.model.Decoding;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// How likely a decoder finds each of some texts behind a prompt, without generating any: the
/// log-probabilities of their tokens, and of the end behind them, when they are what was said.
public final class ChoiceScores {
  private ChoiceScores() {}

  /// @param logLikelihood of all tokens, the end among them
  /// @param tokens how many
  public record Score(double logLikelihood, int tokens) {}

  /// @param choices the tokens of each text, without an end
  public static List<Score> of(Lease lease, Prompt prompt, List<long[]> choices, Terms terms)
      throws InterruptedException {
    Decoding decoding = lease.model().decoding().orElseThrow();
    List<Score> scores = new ArrayList<>();
    for (long[] choice : choices) {
      try (Decode decode = Decode.open(lease, prompt, terms, Relevance.LEFT_OUT)) {
        Distribution next =
            Distribution.of(lease.model().name(), decode.read(prompt.ids()).logits());
        double likelihood = 0;
        Tensor logits = choice.length == 0 ? null : decode.step(choice);
        for (int i = 0; i < choice.length && logits != null; i++) {
          likelihood += next.logProbability((int) choice[i]);
          next = Distribution.of(lease.model().name(), logits.row(i).toFloats());
        }
        Distribution last = next;
        likelihood +=
            decoding.endIds().stream().mapToDouble(last::logProbability).max().orElseThrow();
        scores.add(new Score(likelihood, choice.length + 1));
      }
    }
    return scores;
  }
}
