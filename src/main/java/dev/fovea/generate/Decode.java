package dev.fovea.generate;

import dev.fovea.engine.Lease;
import dev.fovea.engine.Sequence;
import dev.fovea.generate.GenerationOptions.Relevance;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// A sequence of a stepped decoder in the terms of its model: tokens in, logits out. Long prompts
/// go in chunks, so that no other sequence waits for more than one of them.
final class Decode implements AutoCloseable {
  static final String IDS = "input_ids";
  static final String LOGITS = "logits";

  /// How much of its attention each token gave each row of the images.
  static final String ATTENTION = "cross_attention";

  /// Tokens of a chunk.
  private static final int CHUNK = 16;

  private final ServableModel model;
  private final Sequence sequence;
  private final Terms terms;
  private final Set<String> outputs;
  private Map<String, Tensor> images;
  private boolean seen;

  private Decode(
      ServableModel model,
      Sequence sequence,
      Terms terms,
      Set<String> outputs,
      Map<String, Tensor> images) {
    this.model = model;
    this.sequence = sequence;
    this.terms = terms;
    this.outputs = outputs;
    this.images = images;
  }

  static Decode open(Lease lease, Prompt prompt, Terms terms, Relevance relevance) {
    Set<String> outputs =
        switch (relevance) {
          case LEFT_OUT -> Set.of(LOGITS);
          case TOLD -> Set.of(LOGITS, ATTENTION);
        };
    return new Decode(lease.model(), lease.openSequence(), terms, outputs, prompt.images());
  }

  /// What is known behind the last token that was read.
  ///
  /// @param logits of the token that comes next
  /// @param attention what each row of the images had of it; empty where that is not wanted
  record Reading(float[] logits, float[] attention) {
    static final Reading NONE = new Reading(new float[0], new float[0]);
  }

  /// Reads tokens.
  Reading read(long... ids) throws InterruptedException {
    Reading reading = Reading.NONE;
    for (int from = 0; from < ids.length; from += CHUNK) {
      long[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + CHUNK));
      Map<String, Tensor> all = run(chunk);
      int last = chunk.length - 1;
      float[] attention =
          outputs.contains(ATTENTION) ? output(all, ATTENTION).row(last).toFloats() : new float[0];
      reading = new Reading(output(all, LOGITS).row(last).toFloats(), attention);
    }
    return reading;
  }

  /// Reads one chunk.
  ///
  /// @return the logits behind each of its tokens
  Tensor step(long... ids) throws InterruptedException {
    return output(run(ids), LOGITS);
  }

  private Map<String, Tensor> run(long... ids) throws InterruptedException {
    Map<String, Tensor> row = new HashMap<>(images);
    row.put(IDS, Tensor.ofLongs(Shape.of(ids.length), ids));
    Map<String, Tensor> answer = sequence.step(terms.request(row, outputs));
    if (!seen) {
      images = emptied(model, images);
      seen = true;
    }
    return answer;
  }

  private static Tensor output(Map<String, Tensor> answer, String name) {
    Tensor tensor = answer.get(name);
    if (tensor == null) {
      throw new IllegalStateException("output: no " + name);
    }
    return tensor;
  }

  /// After the first step the model remembers what it has seen.
  private static Map<String, Tensor> emptied(ServableModel model, Map<String, Tensor> images) {
    Map<String, Tensor> empty = new HashMap<>();
    for (String name : images.keySet()) {
      TensorSpec spec = model.signature().input(name).orElseThrow();
      long[] extents = spec.shape().toArray();
      extents[0] = 0;
      empty.put(name, Tensor.zeros(spec.type(), Shape.of(extents)));
    }
    return empty;
  }

  /// Another that goes on from here.
  Decode fork() throws InterruptedException {
    return new Decode(model, sequence.fork(), terms, outputs, images);
  }

  @Override
  public void close() {
    sequence.close();
  }
}
