package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/// The model's own distribution at one place: before penalty, temperature and constraint.
final class Distribution {
  private final float[] logits;
  private final float highest;

  /// The logarithm of the sum of the exponentials of all logits; NaN until it is asked for, because
  /// it costs more than all else that is done for a token.
  private double total = Double.NaN;

  private Distribution(float[] logits, float highest) {
    this.logits = logits;
    this.highest = highest;
  }

  /// @param model whose it is
  /// @throws GatewayException with `BACKEND_ERROR` when it is none: a logit is NaN or positive
  ///   infinity, or all of them are negative infinity
  static Distribution of(String model, float[] logits) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    if (!Float.isFinite(highest)) {
      throw new GatewayException(
              Reason.BACKEND_ERROR, model + " answered with logits that are not finite")
          .with("model", model);
    }
    return new Distribution(logits, highest);
  }

  private double total() {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - highest);
    }
    return highest + Math.log(sum);
  }

  /// The natural logarithm of a token's probability.
  double logProbability(int id) {
    if (Double.isNaN(total)) {
      total = total();
    }
    return Math.min(0, logits[id] - total);
  }

  /// The likeliest tokens, likeliest first, of equal ones the lowest id.
  List<Integer> likeliest(int count) {
    PriorityQueue<Integer> worstFirst =
        new PriorityQueue<>((a, b) ->
            logits[a] != logits[b] ? Float.compare(logits[a], logits[b]) : Integer.compare(b, a));
    for (int id = 0; id < logits.length && count > 0; id++) {
      if (worstFirst.size() < count) {
        worstFirst.add(id);
      } else if (logits[id] > logits[worstFirst.element()]) {
        worstFirst.remove();
        worstFirst.add(id);
      }
    }
    List<Integer> ids = new ArrayList<>();
    while (!worstFirst.isEmpty()) {
      ids.addFirst(worstFirst.remove());
    }
    return ids;
  }
}
