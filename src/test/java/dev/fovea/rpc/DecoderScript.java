package dev.fovea.rpc;

import dev.fovea.engine.scripted.Script;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/// A family whose decoder says one word after the other, and breaks or dawdles when a test wants it
/// to.
final class DecoderScript implements Script {
  /// A token of a word of its own in the shipped vocabulary; those behind it are others.
  static final int FIRST_WORD = 300;

  /// Rows that the vision encoder makes of an image.
  static final int PATCHES = 64;

  private final AtomicInteger looks = new AtomicInteger();
  private volatile long patches;
  private volatile Duration delay = Duration.ZERO;
  private volatile int breaksAt = Integer.MAX_VALUE;
  private volatile int attended = PATCHES;
  private volatile float attentionPart = 1;
  private volatile float likely = 10;

  @Override
  public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
    if (model.role() == Role.VISION) {
      looks.incrementAndGet();
    }
    Map<String, Tensor> outputs = new HashMap<>();
    for (TensorSpec output : model.signature().outputs()) {
      long[] extents = output.shape().toArray();
      for (int axis = 0; axis < extents.length; axis++) {
        extents[axis] = extents[axis] < 0 ? PATCHES : extents[axis];
      }
      Tensor ones = Tensor.zeros(output.type(), Shape.of(extents));
      ones.setFloat(0, 1);
      outputs.put(output.name(), ones);
    }
    return outputs;
  }

  @Override
  public Map<String, Tensor> step(ServableModel model, List<Map<String, Tensor>> steps) {
    if (steps.size() == 1) {
      patches = steps.getFirst().get("patch_features").shape().extent(0);
    }
    if (steps.size() >= breaksAt) {
      throw new IllegalStateException("/secret/path of the engine");
    }
    int tokens = (int) steps.getLast().get("input_ids").shape().extent(0);
    int words = (int) model.signature().output("logits").orElseThrow().shape().extent(1);
    Tensor logits = Tensor.zeros(DataType.FP32, Shape.of(tokens, words));
    for (int i = 0; i < tokens; i++) {
      logits.setFloat((long) i * words + FIRST_WORD + steps.size(), likely);
    }
    Tensor attention = Tensor.zeros(DataType.FP32, Shape.of(tokens, attended));
    attention.setFloat(attended - 1L, attentionPart);
    return Map.of("logits", logits, "cross_attention", attention);
  }

  @Override
  public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
    return model.role() == Role.DECODER ? delay : Duration.ZERO;
  }

  void dawdle(Duration step) {
    delay = step;
  }

  void breakAt(int step) {
    breaksAt = step;
  }

  /// Has the decoder tell that it looks at the last of so many rows of the images.
  void lookAtLastOf(int rows, float part) {
    attended = rows;
    attentionPart = part;
  }

  /// The logit of each word that it says.
  void findLikely(float logit) {
    likely = logit;
  }

  void behave() {
    likely = 10;
    lookAtLastOf(PATCHES, 1);
    delay = Duration.ZERO;
    breaksAt = Integer.MAX_VALUE;
  }

  /// Images that the vision encoder has looked at.
  int looks() {
    return looks.get();
  }

  /// Patches that the last decoder to begin was given.
  long patches() {
    return patches;
  }
}
