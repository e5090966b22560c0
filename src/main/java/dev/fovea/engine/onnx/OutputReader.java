package dev.fovea.engine.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtSession;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Reads what a run gave.
final class OutputReader {
  private OutputReader() {}

  /// Copies an output out of the runtime's memory, once it is what the signature promises.
  static Tensor read(ServableModel model, String name, OrtSession.Result result, int batchSize) {
    TensorSpec spec =
        model
            .signature()
            .output(name)
            .orElseThrow(() -> new IllegalArgumentException("output: no " + name));
    if (!(result.get(name).orElse(null) instanceof OnnxTensor tensor)) {
      throw new IllegalStateException("output " + name + ": missing (expected: " + spec + ")");
    }
    @Nullable DataType type = OnnxTypes.dataType(tensor.getInfo().type).orElse(null);
    long[] extents = tensor.getInfo().getShape();
    boolean fits =
        type == spec.type()
            && extents.length > 0
            && extents[0] == batchSize
            && spec.shape().accepts(Shape.of(extents).row());
    if (!fits) {
      throw new IllegalStateException(
          "output %s: %s %s (expected: %d rows of %s)"
              .formatted(name, type, Arrays.toString(extents), batchSize, spec));
    }
    return new Tensor(
        spec.type(), Shape.of(extents), MemorySegment.ofBuffer(tensor.getByteBuffer()));
  }
}
