package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.fovea.call.Deadline;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.InferParameter;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Makes requests of rows without copying what is in them: the message refers to the memory of the
/// rows, which the transport reads once.
final class RequestWriter {
  private static final String TIMEOUT = "timeout";

  private final ServableModel model;

  RequestWriter(ServableModel model) {
    this.model = model;
  }

  /// @param rows of equal shapes, as [dev.fovea.engine.Batches] sorts them; must not be written
  ///   while the message is in use
  /// @param outputs the outputs that are wanted
  ModelInferRequest.Builder write(List<Map<String, Tensor>> rows, Set<String> outputs) {
    return write(rows, outputs, null);
  }

  /// As [#write(List, Set)]; what has an area in shared memory is copied there at once, and the
  /// message only says where it is.
  ModelInferRequest.Builder write(
      List<Map<String, Tensor>> rows, Set<String> outputs, @Nullable SharedTensors shared) {
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder().setModelName(model.name()).setModelVersion(model.version());
    for (TensorSpec input : model.signature().inputs()) {
      Tensor first = requireNonNull(rows.getFirst().get(input.name()));
      InferInputTensor.Builder tensor =
          InferInputTensor.newBuilder().setName(input.name()).setDatatype(input.type().name());
      for (long extent : first.shape().batched(rows.size()).toArray()) {
        tensor.addShape(extent);
      }
      Optional<Map<String, InferParameter>> place =
          shared == null ? Optional.empty() : shared.put(input.name(), rows);
      if (place.isPresent()) {
        tensor.putAllParameters(place.get());
      } else {
        request.addRawInputContents(contents(rows, input.name()));
      }
      request.addInputs(tensor);
    }
    for (String output : outputs) {
      InferRequestedOutputTensor.Builder wanted =
          InferRequestedOutputTensor.newBuilder().setName(output);
      if (shared != null) {
        shared.place(output).ifPresent(wanted::putAllParameters);
      }
      request.addOutputs(wanted);
    }
    return request;
  }

  private static ByteString contents(List<Map<String, Tensor>> rows, String name) {
    if (rows.size() == 1) {
      return wrap(requireNonNull(rows.getFirst().get(name)).data());
    }
    List<ByteString> pieces = new ArrayList<>(rows.size());
    for (Map<String, Tensor> row : rows) {
      pieces.add(wrap(requireNonNull(row.get(name)).data()));
    }
    // A rope over the pieces: only small ones are copied.
    return ByteString.copyFrom(pieces);
  }

  private static ByteString wrap(MemorySegment data) {
    if (data.heapBase().orElse(null) instanceof byte[] array) {
      return UnsafeByteOperations.unsafeWrap(
          array, Math.toIntExact(data.address()), Math.toIntExact(data.byteSize()));
    }
    return UnsafeByteOperations.unsafeWrap(data.asByteBuffer());
  }

  /// Says how long the request may wait in the server's queue, where the model's policy there lets
  /// a request ask for less than its default.
  void limitQueueTime(ModelInferRequest.Builder request, ModelState state, Deadline deadline) {
    boolean shorter =
        state instanceof ModelState.Ready ready
            && deadline.remainingNanos() < ready.queueTimeout().toNanos();
    if (shorter) {
      setTimeout(request, deadline);
    } else {
      request.removeParameters(TIMEOUT);
    }
  }

  static boolean limitsQueueTime(ModelInferRequest.Builder request) {
    return request.containsParameters(TIMEOUT);
  }

  /// The time that is left, in microseconds, as a signed number: Triton takes no other.
  static void setTimeout(ModelInferRequest.Builder request, Deadline deadline) {
    long micros = Math.max(1, TimeUnit.NANOSECONDS.toMicros(deadline.remainingNanos()));
    request.putParameters(TIMEOUT, parameter(micros));
  }

  static InferParameter parameter(long value) {
    return InferParameter.newBuilder().setInt64Param(value).build();
  }

  static InferParameter parameter(boolean value) {
    return InferParameter.newBuilder().setBoolParam(value).build();
  }
}
