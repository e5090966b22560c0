package dev.fovea.engine;

import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.failure.Fault;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// A loaded model, ready to be run. Thread-safe: any number of callers share it.
///
/// It is a [TensorAllocator]: rows that are written into its memory reach the model without another
/// copy on the way.
public interface Lease extends TensorAllocator, AutoCloseable {
  ServableModel model();

  /// Memory for one tensor of a row, in the form that this engine reads fastest. It belongs to the
  /// caller, who may read and write it again once [#infer] has returned.
  @Override
  Tensor allocate(DataType type, Shape shape);

  /// Keeps room for rows that are about to be prepared.
  ///
  /// @param rows how many will come at most
  /// @param deadline until when their answers are of use
  /// @param criticality how much they matter
  /// @throws GatewayException with `QUEUE_FULL` or `DEADLINE_UNREACHABLE` when they would be
  ///   refused
  default Place reserve(int rows, Deadline deadline, Criticality criticality) {
    return Place.NONE;
  }

  /// Runs independent rows. How they are batched is the engine's affair: there may be more of them
  /// than fit one execution, and rows of different shape may be mixed.
  ///
  /// Blocks the calling thread, which should be a virtual one; never pins its carrier. Ends at the
  /// deadline at the latest, and when the thread is interrupted; work that has not begun by then
  /// never begins.
  ///
  /// @return one outcome a row, in order: its outputs by name, or why the row alone failed. The
  ///   tensors belong to the caller and stay valid
  /// @throws GatewayException when the rows failed together: `DEADLINE_EXCEEDED`, `QUEUE_FULL`,
  ///   `BACKEND_UNAVAILABLE` or `BACKEND_ERROR`
  /// @throws IllegalArgumentException when a row is not what the signature asks for
  /// @throws InterruptedException when the thread is interrupted: the caller has gone
  List<Outcome<Map<String, Tensor>>> infer(InferRequest request) throws InterruptedException;

  /// As [#infer], with no thread that waits: returns at once, and the future brings what [#infer]
  /// would return or throw, on the thread that has it, so what depends on it must not block. Never
  /// throws. To cancel the future is to say that nobody wants the answer any more.
  ///
  /// An engine that waits by its nature does so on a virtual thread.
  default CompletableFuture<List<Outcome<Map<String, Tensor>>>> inferLater(InferRequest request) {
    CompletableFuture<List<Outcome<Map<String, Tensor>>>> answer = new CompletableFuture<>();
    Thread waiting =
        Thread.ofVirtual()
            .unstarted(() -> {
              try {
                answer.complete(infer(request));
              } catch (InterruptedException | RuntimeException | Error e) {
                answer.completeExceptionally(e);
              }
            });
    var _ =
        answer.whenComplete((_, _) -> {
          if (answer.isCancelled()) {
            waiting.interrupt();
          }
        });
    waiting.start();
    return answer;
  }

  /// Begins a sequence of a model whose [dev.fovea.model.Interaction] is `SEQUENCE`. Nothing is
  /// sent before its first step. The caller closes it, whatever happens.
  ///
  /// @throws GatewayException with `BACKEND_UNAVAILABLE` when no engine can take it now
  /// @throws UnsupportedOperationException when this engine cannot run the model that way
  default Sequence openSequence() {
    throw new UnsupportedOperationException(model() + ": no sequences on this engine");
  }

  /// Whether sequences can be forked.
  default boolean forksSequences() {
    return false;
  }

  /// Most sequences at once; 0 where the engine does not say.
  default int maxSequences() {
    return 0;
  }

  /// Sequences that are under way or wait to be; for gauges.
  default int sequences() {
    return 0;
  }

  /// Sends one row to a model whose [dev.fovea.model.Interaction] is `DECOUPLED`; its answers are
  /// read one by one. The caller closes the stream, whatever happens.
  ///
  /// @param request one row
  /// @throws GatewayException as [#infer] does
  /// @throws UnsupportedOperationException when this engine cannot run the model that way
  default AnswerStream openStream(InferRequest request) {
    throw new UnsupportedOperationException(model() + ": no decoupled models on this engine");
  }

  /// What keeps the model from being served until somebody changes a configuration; empty when
  /// nothing does.
  default List<Fault> faults() {
    return List.of();
  }

  /// Whether [#infer] may be expected to work now.
  boolean ready();

  /// Rows that wait for an execution here, and not in the engine; for gauges.
  default int waiting() {
    return 0;
  }

  /// Executions that run at once.
  int slots();

  /// Waits for the executions under way, then releases the model. Calls made afterwards are refused
  /// with `BACKEND_UNAVAILABLE`.
  @Override
  void close();
}
