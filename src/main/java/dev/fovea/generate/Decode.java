package dev.fovea.generate;

import dev.fovea.engine.Lease;
import dev.fovea.engine.Sequence;
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

  /// Tokens of a chunk.
  private static final int CHUNK = 16;

  private final ServableModel model;
  private final Sequence sequence;
  private final Terms terms;
  private Map<String, Tensor> images;

  private Decode(ServableModel model, Sequence sequence, Terms terms, Map<String, Tensor> images) {
    this.model = model;
    this.sequence = sequence;
    this.terms = terms;
    this.images = images;
  }

  static Decode open(Lease lease, Prompt prompt, Terms terms) {
    return new Decode(lease.model(), lease.openSequence(), terms, prompt.images());
  }

  /// Reads tokens.
  ///
  /// @return the logits behind the last of them
  float[] read(long... ids) throws InterruptedException {
    float[] logits = {};
    for (int from = 0; from < ids.length; from += CHUNK) {
      long[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + CHUNK));
      Tensor all = step(chunk);
      logits = all.row(chunk.length - 1).toFloats();
    }
    return logits;
  }

  /// Reads one chunk.
  ///
  /// @return the logits behind each of its tokens
  Tensor step(long... ids) throws InterruptedException {
    Map<String, Tensor> row = new HashMap<>(images);
    row.put(IDS, Tensor.ofLongs(Shape.of(ids.length), ids));
    Map<String, Tensor> outputs = sequence.step(terms.request(row, Set.of(LOGITS)));
    images = emptied(model, images);
    Tensor logits = outputs.get(LOGITS);
    if (logits == null) {
      throw new IllegalStateException("output: no " + LOGITS);
    }
    return logits;
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
    return new Decode(model, sequence.fork(), terms, images);
  }

  @Override
  public void close() {
    sequence.close();
  }
}
