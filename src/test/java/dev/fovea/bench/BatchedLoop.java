package dev.fovea.bench;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.model.Sequencing;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/// The plainest batched loop over ONNX Runtime: as many rows as there are texts, all of one length,
/// the state's tensors handed from one run to the next as they are.
final class BatchedLoop implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final ServableModel model;
  private final int rows;
  private final OrtSession session;

  BatchedLoop(ServableModel model, int rows) throws OrtException {
    this.model = model;
    this.rows = rows;
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    this.session = environment.createSession(model.artifact().toString(), options);
  }

  double tokensPerSecond(int tokens, Random random) throws OrtException {
    long start = System.nanoTime();
    Map<String, OnnxTensor> state = new HashMap<>();
    for (Sequencing.State kept : model.signature().sequencing().states()) {
      TensorSpec spec = kept.input();
      int size = (int) (spec.shape().elements() * spec.type().byteSize() * rows);
      ByteBuffer zeros = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
      long[] shape = spec.shape().batched(rows).toArray();
      state.put(
          spec.name(),
          spec.type() == DataType.INT64
              ? OnnxTensor.createTensor(environment, zeros.asLongBuffer(), shape)
              : OnnxTensor.createTensor(environment, zeros.asFloatBuffer(), shape));
    }
    long[] next = new long[2 * rows];
    for (int row = 0; row < rows; row++) {
      next[2 * row] = 1;
      next[2 * row + 1] = 3;
    }
    OrtSession.Result held = null;
    for (int i = 0; i < tokens; i++) {
      int length = next.length / rows;
      Map<String, OnnxTensor> inputs = new HashMap<>(state);
      inputs.put(
          "input_ids",
          OnnxTensor.createTensor(environment, LongBuffer.wrap(next), new long[] {rows, length}));
      inputs.putAll(images(i == 0 ? 64 : 0, random));
      OrtSession.Result result = session.run(inputs);
      next = likeliest((OnnxTensor) result.get("logits").orElseThrow(), length);
      for (Sequencing.State kept : model.signature().sequencing().states()) {
        state.put(kept.input().name(), (OnnxTensor) result.get(kept.output().name()).orElseThrow());
      }
      if (held != null) {
        held.close();
      }
      held = result;
    }
    if (held != null) {
      held.close();
    }
    return (double) rows * tokens * 1e9 / (System.nanoTime() - start);
  }

  private Map<String, OnnxTensor> images(int patches, Random random) throws OrtException {
    TensorSpec features = model.signature().input(model.imageFeaturesInput()).orElseThrow();
    long width = features.shape().extent(1);
    float[] values = new float[(int) (rows * patches * width)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    boolean[][] mask = new boolean[rows][patches];
    for (boolean[] row : mask) {
      Arrays.fill(row, true);
    }
    OnnxTensor seen =
        patches == 0
            ? OnnxTensor.createTensor(
                environment, ByteBuffer.allocateDirect(0), new long[] {rows, 0}, OnnxJavaType.BOOL)
            : OnnxTensor.createTensor(environment, mask);
    return Map.of(
        features.name(),
        OnnxTensor.createTensor(
            environment, FloatBuffer.wrap(values), new long[] {rows, patches, width}),
        "patch_mask",
        seen);
  }

  private long[] likeliest(OnnxTensor logits, int length) {
    FloatBuffer all = logits.getFloatBuffer();
    int words = all.remaining() / rows / length;
    long[] tokens = new long[rows];
    for (int row = 0; row < rows; row++) {
      int from = (row * length + length - 1) * words;
      int best = from;
      for (int i = from; i < from + words; i++) {
        best = all.get(i) > all.get(best) ? i : best;
      }
      tokens[row] = (long) best - from;
    }
    return tokens;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
