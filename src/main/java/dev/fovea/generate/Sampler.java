package dev.fovea.generate;

import dev.fovea.generate.GenerationOptions.Sampling;
import java.util.Arrays;
import java.util.BitSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/// Chooses the next token from a model's logits: repetition penalty (Keskar et al. 2019), then what
/// is allowed, then temperature, top-k, top-p (Holtzman et al. 2020) and min-p (Nguyen et al.
/// 2024), in this order, as Hugging Face transformers does. Equal seeds and logits give equal
/// tokens. For one text, of one thread.
final class Sampler {
  private final Sampling sampling;
  private final RandomGenerator random;

  /// Tokens that were there already.
  private final BitSet seen = new BitSet();

  Sampler(Sampling sampling) {
    this.sampling = sampling;
    this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(sampling.seed());
  }

  /// A token of the prompt or the text so far.
  void saw(long token) {
    if (sampling.repetitionPenalty() != 1 && token >= 0 && token < Integer.MAX_VALUE) {
      seen.set((int) token);
    }
  }

  /// The next token.
  ///
  /// @param logits of every token; left as they are
  /// @param allowed the tokens that may be taken, one at least; null for all
  int next(float[] logits, @Nullable BitSet allowed) {
    if (sampling.temperature() == 0 && sampling.repetitionPenalty() == 1) {
      return likeliest(logits, allowed);
    }
    float[] scores = logits.clone();
    for (int id = seen.nextSetBit(0); id >= 0 && id < scores.length; id = seen.nextSetBit(id + 1)) {
      double penalty = sampling.repetitionPenalty();
      scores[id] = (float) (scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty);
    }
    return sampling.temperature() == 0 ? likeliest(scores, allowed) : draw(scores, allowed);
  }

  /// The first of the likeliest.
  private static int likeliest(float[] scores, @Nullable BitSet allowed) {
    int best = allowed == null ? 0 : allowed.nextSetBit(0);
    for (int id = best + 1; id < scores.length; id++) {
      if (scores[id] > scores[best] && (allowed == null || allowed.get(id))) {
        best = id;
      }
    }
    return best;
  }

  private int draw(float[] scores, @Nullable BitSet allowed) {
    int[] ids = candidates(scores, allowed);
    double[] weights = new double[ids.length];
    double highest = Double.NEGATIVE_INFINITY;
    for (int id : ids) {
      highest = Math.max(highest, scores[id]);
    }
    for (int i = 0; i < ids.length; i++) {
      weights[i] = Math.exp((scores[ids[i]] - highest) / sampling.temperature());
    }
    int count = withinTopP(weights, ids.length);
    return ids[pick(weights, withinMinP(weights, count))];
  }

  /// The tokens to draw from: all that are allowed, or, likeliest first, as many as top-k leaves.
  private int[] candidates(float[] scores, @Nullable BitSet allowed) {
    long[] sortable = new long[scores.length];
    int count = 0;
    for (int id = 0; id < scores.length; id++) {
      if (allowed == null || allowed.get(id)) {
        // Ascending: the highest score first, of equal ones the lowest id.
        int bits = Float.floatToIntBits(scores[id]);
        int ordered = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
        sortable[count++] = ((long) ~ordered << 32) | id;
      }
    }
    boolean ranked = sampling.topK() > 0 || sampling.topP() < 1 || sampling.minP() > 0;
    if (ranked) {
      Arrays.sort(sortable, 0, count);
    }
    int kept = sampling.topK() > 0 ? Math.min(count, sampling.topK()) : count;
    int[] ids = new int[kept];
    for (int i = 0; i < kept; i++) {
      ids[i] = (int) sortable[i];
    }
    return ids;
  }

  /// How many of the likeliest together have the probability that top-p asks for.
  private int withinTopP(double[] weights, int count) {
    if (sampling.topP() >= 1) {
      return count;
    }
    double wanted = sampling.topP() * sum(weights, count);
    double reached = 0;
    for (int i = 0; i < count; i++) {
      reached += weights[i];
      if (reached >= wanted) {
        return i + 1;
      }
    }
    return count;
  }

  /// The likeliest has weight 1.
  private int withinMinP(double[] weights, int count) {
    int kept = count;
    while (kept > 1 && weights[kept - 1] < sampling.minP()) {
      kept--;
    }
    return kept;
  }

  private int pick(double[] weights, int count) {
    double at = random.nextDouble() * sum(weights, count);
    for (int i = 0; i < count - 1; i++) {
      at -= weights[i];
      if (at < 0) {
        return i;
      }
    }
    return count - 1;
  }

  private static double sum(double[] weights, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weights[i];
    }
    return sum;
  }
}
