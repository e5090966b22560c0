package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/// The model's own distribution at one place: before penalty, temperature and constraint.
final class Distribution {
  private final float[] logits;

  /// The logarithm of the sum of the exponentials of all logits.
  private final double total;

  private Distribution(float[] logits, double total) {
    this.logits = logits;
    this.total = total;
  }

  /// @param model whose it is
  /// @throws GatewayException with `BACKEND_ERROR` when it is none: a logit is NaN or positive
  ///   infinity, or all of them are negative infinity
  static Distribution of(String model, float[] logits) {
    double total = total(logits);
    if (!Double.isFinite(total)) {
      throw new GatewayException(
              Reason.BACKEND_ERROR, model + " answered with logits that are not finite")
          .with("model", model);
    }
    return new Distribution(logits, total);
  }

  private static double total(float[] logits) {
    double highest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - highest);
    }
    return highest + Math.log(sum);
  }

  /// The natural logarithm of a token's probability.
  double logProbability(int id) {
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
