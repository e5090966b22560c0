package dev.fovea.engine;

import dev.fovea.failure.GatewayException;
import dev.fovea.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/// The answers to one request of a decoupled model, in order. For one thread at a time. The engine
/// is at most one answer ahead of the reader.
public interface AnswerStream extends AutoCloseable {
  /// The next answer's outputs by name, or nothing when the last one was read. They belong to the
  /// caller and stay valid. Blocks, ends and is cancelled as [Lease#infer] does.
  ///
  /// @throws GatewayException as [Lease#infer] does; the stream is over then
  Optional<Map<String, Tensor>> next() throws InterruptedException;

  /// Stops the work if it is not over.
  @Override
  void close();
}
