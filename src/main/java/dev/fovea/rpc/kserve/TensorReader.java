package dev.fovea.rpc.kserve;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.Signature;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Reads what a request brings and wants, once it is what the signature asks for. The tensors lie
/// in the memory of the message: nothing is copied where the contents are raw.
final class TensorReader {
  private final Signature signature;
  private final ModelInferRequest request;

  TensorReader(Signature signature, ModelInferRequest request) {
    this.signature = signature;
    this.request = request;
    requireNoSequence();
  }

  private void requireNoSequence() {
    for (String parameter : List.of("sequence_id", "sequence_start", "sequence_end")) {
      if (request.containsParameters(parameter)) {
        throw GatewayException.invalidField(
            "parameters." + parameter, "", "none: the model has no sequences");
      }
    }
  }

  /// The names of the outputs that are wanted, in the order of the request; all where it names
  /// none.
  List<String> wanted() {
    if (request.getOutputsCount() == 0) {
      return signature.outputs().stream().map(TensorSpec::name).toList();
    }
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < request.getOutputsCount(); i++) {
      InferRequestedOutputTensor output = request.getOutputs(i);
      String field = "outputs[" + i + "]";
      if (signature.output(output.getName()).isEmpty() || wanted.contains(output.getName())) {
        throw GatewayException.invalidField(
            field + ".name", output.getName(), "an output of the model, once");
      }
      requireNoParameters(field, output.getParametersCount());
      wanted.add(output.getName());
    }
    return wanted;
  }

  private static void requireNoParameters(String field, int count) {
    if (count > 0) {
      throw GatewayException.invalidField(
          field + ".parameters", count, "none: neither shared memory nor classification is served");
    }
  }

  /// The rows of the request's batch.
  List<Map<String, Tensor>> rows() {
    requireContents();
    Map<String, Tensor> batch = new HashMap<>();
    long size = -1;
    for (int i = 0; i < request.getInputsCount(); i++) {
      Tensor tensor = read(i);
      String field = "inputs[" + i + "]";
      if (batch.put(request.getInputs(i).getName(), tensor) != null) {
        throw GatewayException.invalidField(
            field + ".name", request.getInputs(i).getName(), "each input once");
      }
      long rows = tensor.shape().extent(0);
      if (rows < 1 || rows > signature.maxBatchSize() || (size >= 0 && rows != size)) {
        throw GatewayException.invalidField(
            field + ".shape[0]",
            rows,
            size >= 0
                ? size + ", as the inputs before have it"
                : "1 to " + signature.maxBatchSize());
      }
      size = rows;
    }
    for (TensorSpec input : signature.inputs()) {
      if (!batch.containsKey(input.name())) {
        throw GatewayException.invalid(
            Reason.INVALID_FIELD, "inputs", request.getInputsCount(), "one of " + input);
      }
    }
    List<Map<String, Tensor>> rows = new ArrayList<>((int) size);
    for (int row = 0; row < size; row++) {
      Map<String, Tensor> tensors = new HashMap<>();
      for (Map.Entry<String, Tensor> input : batch.entrySet()) {
        tensors.put(input.getKey(), input.getValue().row(row));
      }
      rows.add(tensors);
    }
    return rows;
  }

  private void requireContents() {
    int raw = request.getRawInputContentsCount();
    if (raw != 0 && raw != request.getInputsCount()) {
      throw GatewayException.invalidField(
          "raw_input_contents", raw, request.getInputsCount() + ", one an input");
    }
  }

  private Tensor read(int index) {
    InferInputTensor input = request.getInputs(index);
    String field = "inputs[" + index + "]";
    TensorSpec spec =
        signature
            .input(input.getName())
            .orElseThrow(() ->
                GatewayException.invalidField(
                    field + ".name", input.getName(), "an input of the model"));
    requireNoParameters(field, input.getParametersCount());
    if (!input.getDatatype().equals(spec.type().name())) {
      throw GatewayException.invalidField(
          field + ".datatype", input.getDatatype(), spec.type().name());
    }
    Shape shape = shape(field, input, spec);
    MemorySegment data;
    if (request.getRawInputContentsCount() == 0) {
      data = TypedContents.read(field, input.getContents(), spec.type());
    } else if (input.hasContents()) {
      throw GatewayException.invalidField(
          field + ".contents", "set", "nothing, since there are raw_input_contents");
    } else {
      data = Memory.of(request.getRawInputContents(index));
    }
    long expected = byteSize(field, spec, shape);
    if (data.byteSize() != expected) {
      throw GatewayException.invalidField(
          field, data.byteSize() + " bytes", expected + " bytes for " + spec.type() + " " + shape);
    }
    return new Tensor(spec.type(), shape, data);
  }

  private static Shape shape(String field, InferInputTensor input, TensorSpec spec) {
    long[] extents = input.getShapeList().stream().mapToLong(Long::longValue).toArray();
    boolean fits = extents.length == spec.shape().rank() + 1;
    for (long extent : extents) {
      fits &= extent >= 0;
    }
    if (!fits || !spec.shape().accepts(Shape.of(extents).row())) {
      throw GatewayException.invalidField(
          field + ".shape",
          input.getShapeList().stream().limit(8).toList(),
          "rows of " + spec.shape());
    }
    return Shape.of(extents);
  }

  private static long byteSize(String field, TensorSpec spec, Shape shape) {
    try {
      return Tensor.byteSize(spec.type(), shape);
    } catch (ArithmeticException _) {
      throw GatewayException.invalidField(field + ".shape", shape, "fewer elements");
    }
  }
}
