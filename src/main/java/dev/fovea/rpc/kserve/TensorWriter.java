package dev.fovea.rpc.kserve;

import static java.util.Objects.requireNonNull;

import com.google.protobuf.ByteString;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import inference.ModelInferResponse.InferOutputTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Writes answers: raw contents, as Triton does, whatever form the request had.
final class TensorWriter {
  private TensorWriter() {}

  /// @param wanted the outputs in the order of the request
  /// @param answers the outputs of each row
  static ModelInferResponse write(
      ModelInferRequest request,
      String version,
      List<String> wanted,
      List<Map<String, Tensor>> answers) {
    ModelInferResponse.Builder response =
        ModelInferResponse.newBuilder()
            .setModelName(request.getModelName())
            .setModelVersion(version)
            .setId(request.getId());
    for (String name : wanted) {
      Tensor first = requireNonNull(answers.getFirst().get(name));
      InferOutputTensor.Builder output =
          InferOutputTensor.newBuilder().setName(name).setDatatype(first.type().name());
      for (long extent : first.shape().batched(answers.size()).toArray()) {
        output.addShape(extent);
      }
      response.addOutputs(output).addRawOutputContents(contents(name, first.shape(), answers));
    }
    return response.build();
  }

  private static ByteString contents(String name, Shape shape, List<Map<String, Tensor>> answers) {
    List<ByteString> pieces = new ArrayList<>(answers.size());
    for (Map<String, Tensor> answer : answers) {
      Tensor tensor = requireNonNull(answer.get(name));
      if (!tensor.shape().equals(shape)) {
        throw new GatewayException(Reason.BACKEND_ERROR, "rows of one batch have unequal outputs");
      }
      pieces.add(Memory.bytes(tensor.data()));
    }
    return pieces.size() == 1 ? pieces.getFirst() : ByteString.copyFrom(pieces);
  }
}
