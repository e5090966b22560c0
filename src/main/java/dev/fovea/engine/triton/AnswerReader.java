package dev.fovea.engine.triton;

import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.ModelInferResponse;
import inference.ModelInferResponse.InferOutputTensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads the outputs of an answer once they are what was asked for: found by name, of the type and
/// the shape that the signature promises for so many rows, and exactly as long as that makes them.
///
/// The tensors lie in the memory of the message: nothing is copied, but for those that the server
/// put into shared memory.
final class AnswerReader {
  private final ServableModel model;

  AnswerReader(ServableModel model) {
    this.model = model;
  }

  /// @param outputs what was asked for
  /// @param rows how many rows the request had
  /// @return the outputs of each row, by name
  /// @throws MalformedAnswerException when anything is not as it must be
  List<Map<String, Tensor>> read(ModelInferResponse answer, Set<String> outputs, int rows) {
    return read(answer, outputs, rows, null);
  }

  /// As [#read(ModelInferResponse, Set, int)].
  ///
  /// @param shared where outputs lie that are not in the message; they are copied
  List<Map<String, Tensor>> read(
      ModelInferResponse answer, Set<String> outputs, int rows, @Nullable SharedTensors shared) {
    Map<String, Tensor> batch = readBatch(answer, outputs, rows, shared);
    List<Map<String, Tensor>> answers = new ArrayList<>(rows);
    for (int row = 0; row < rows; row++) {
      Map<String, Tensor> tensors = new HashMap<>();
      for (Map.Entry<String, Tensor> output : batch.entrySet()) {
        tensors.put(output.getKey(), output.getValue().row(row));
      }
      answers.add(tensors);
    }
    return answers;
  }

  private Map<String, Tensor> readBatch(
      ModelInferResponse answer, Set<String> outputs, int rows, @Nullable SharedTensors shared) {
    requireModel(answer);
    if (answer.getRawOutputContentsCount() != answer.getOutputsCount()) {
      throw new MalformedAnswerException(
          "%d raw contents (expected: %d, one an output)"
              .formatted(answer.getRawOutputContentsCount(), answer.getOutputsCount()));
    }
    Map<String, Tensor> tensors = new HashMap<>();
    for (int i = 0; i < answer.getOutputsCount(); i++) {
      InferOutputTensor output = answer.getOutputs(i);
      if (outputs.contains(output.getName())) {
        Tensor tensor = readTensor(output, contents(answer, i, shared), rows);
        if (tensors.put(output.getName(), tensor) != null) {
          throw new MalformedAnswerException("output " + output.getName() + " is there twice");
        }
      }
    }
    if (!tensors.keySet().equals(outputs)) {
      throw new MalformedAnswerException(
          "outputs " + tensors.keySet() + " (expected: " + outputs + ")");
    }
    return tensors;
  }

  private void requireModel(ModelInferResponse answer) {
    String name = answer.getModelName();
    if (!name.isEmpty() && !name.equals(model.name())) {
      throw new MalformedAnswerException("an answer of another model than " + model.name());
    }
  }

  private static MemorySegment contents(
      ModelInferResponse answer, int index, @Nullable SharedTensors shared) {
    Optional<MemorySegment> memory =
        shared == null ? Optional.empty() : shared.take(answer.getOutputs(index).getName());
    return memory.orElseGet(
        () -> MemorySegment.ofBuffer(answer.getRawOutputContents(index).asReadOnlyByteBuffer()));
  }

  private Tensor readTensor(InferOutputTensor output, MemorySegment contents, int rows) {
    TensorSpec spec =
        model
            .signature()
            .output(output.getName())
            .orElseThrow(() -> new IllegalArgumentException("output: no " + output.getName()));
    long[] extents = output.getShapeList().stream().mapToLong(Long::longValue).toArray();
    boolean fits =
        output.getDatatype().equals(spec.type().name())
            && extents.length > 0
            && extents[0] == rows
            && isFixed(extents)
            && spec.shape().accepts(Shape.of(extents).row());
    if (!fits) {
      throw new MalformedAnswerException(
          "output %s: %s %s (expected: %d rows of %s)"
              .formatted(
                  output.getName(), output.getDatatype(), output.getShapeList(), rows, spec));
    }
    requireLength(spec, Shape.of(extents), contents.byteSize());
    return new Tensor(spec.type(), Shape.of(extents), contents);
  }

  private static boolean isFixed(long[] extents) {
    for (long extent : extents) {
      if (extent < 0) {
        return false;
      }
    }
    return true;
  }

  private static void requireLength(TensorSpec spec, Shape shape, long length) {
    long expected;
    try {
      expected = Tensor.byteSize(spec.type(), shape);
    } catch (ArithmeticException e) {
      throw new MalformedAnswerException("output " + spec.name() + ": " + shape + " overflows", e);
    }
    if (length != expected) {
      throw new MalformedAnswerException(
          "output %s: %d bytes (expected: %d for %s %s)"
              .formatted(spec.name(), length, expected, spec.type(), shape));
    }
  }
}
