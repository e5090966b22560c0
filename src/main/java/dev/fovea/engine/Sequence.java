package dev.fovea.engine;

import dev.fovea.failure.GatewayException;
import dev.fovea.tensor.Tensor;
import java.util.Map;

/// A stateful decode: the engine keeps what the model remembers from one step to the next.
///
/// Steps are taken one at a time, by one thread at a time. A step that fails ends the sequence:
/// later ones are refused, for nobody knows what the state is. [#close] releases the state in every
/// case, however the sequence went.
public interface Sequence extends AutoCloseable {
  /// Runs the next step. Blocks, ends and is cancelled as [Lease#infer] does.
  ///
  /// @param request one row, the inputs of the step
  /// @return the outputs of the step by name; they belong to the caller and stay valid
  /// @throws GatewayException as [Lease#infer] does, and with `BACKEND_UNAVAILABLE` when the engine
  ///   has lost the state: it rested for longer than the engine keeps it, or what ran it has gone
  Map<String, Tensor> step(InferRequest request) throws InterruptedException;

  /// As [#step], and tells the engine that no step follows.
  Map<String, Tensor> lastStep(InferRequest request) throws InterruptedException;

  /// Another sequence that goes on from where this one is. The caller closes it as this one.
  ///
  /// @throws GatewayException with `QUEUE_FULL` when there is no room for one more
  /// @throws UnsupportedOperationException when this engine cannot copy what it keeps
  default Sequence fork() throws InterruptedException {
    throw new UnsupportedOperationException("no sequence of this engine can be forked");
  }

  /// Releases the state. Does not wait and does not fail.
  @Override
  void close();
}
