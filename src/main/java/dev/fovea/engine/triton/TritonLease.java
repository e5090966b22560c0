package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import com.google.common.base.Throwables;
import dev.fovea.call.Deadline;
import dev.fovea.engine.AnswerStream;
import dev.fovea.engine.Batches;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Sequence;
import dev.fovea.failure.Fault;
import dev.fovea.failure.Outcome;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/// A model as the servers run it. Rows travel in batches of equal shape, all at once; the servers'
/// own batchers bring together what several calls send.
///
/// No more requests are on their way than can run and wait ([TritonSettings#queueSize]): beyond
/// that calls are refused here, where the reason is known, and not there, where six reasons have
/// one status.
final class TritonLease implements Lease {
  private final ModelRoute route;
  private final AtomicInteger sequences = new AtomicInteger();

  TritonLease(ModelRoute route) {
    this.route = route;
  }

  @Override
  public ServableModel model() {
    return route.model();
  }

  /// Heap memory: requests refer to it, and the transport reads it from there.
  @Override
  public Tensor allocate(DataType type, Shape shape) {
    return Tensor.zeros(type, shape);
  }

  @Override
  public List<Outcome<Map<String, Tensor>>> infer(InferRequest request)
      throws InterruptedException {
    CompletableFuture<List<Outcome<Map<String, Tensor>>>> answer = inferLater(request);
    try {
      return answer.get(request.deadline().remainingNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException _) {
      throw Deadline.exceeded("the model's answer");
    } catch (ExecutionException e) {
      Throwables.throwIfUnchecked(requireNonNull(e.getCause()));
      throw new IllegalStateException("a call fails with a refusal", e);
    } finally {
      answer.cancel(false);
    }
  }

  @Override
  public CompletableFuture<List<Outcome<Map<String, Tensor>>>> inferLater(InferRequest request) {
    List<Call> calls = new ArrayList<>();
    CompletableFuture<List<Outcome<Map<String, Tensor>>>> answer = new CompletableFuture<>();
    try {
      request.rows().forEach(model().signature()::requireRow);
      request.deadline().check("inference");
      List<int[]> batches = Batches.of(request.rows(), model().signature().maxBatchSize());
      for (int[] places : batches) {
        calls.add(Call.start(route, request, rows(request, places)));
      }
      AtomicInteger missing = new AtomicInteger(calls.size());
      for (Call call : calls) {
        var _ =
            call.answer()
                .whenComplete((_, failure) -> {
                  if (failure != null) {
                    answer.completeExceptionally(failure);
                  } else if (missing.decrementAndGet() == 0) {
                    answer.complete(gather(request, batches, calls));
                  }
                });
      }
    } catch (RuntimeException | Error e) {
      answer.completeExceptionally(e);
    }
    var _ = answer.whenComplete((_, _) -> calls.forEach(Call::abandon));
    return answer;
  }

  private static List<Map<String, Tensor>> rows(InferRequest request, int[] places) {
    List<Map<String, Tensor>> rows = new ArrayList<>(places.length);
    for (int place : places) {
      rows.add(request.rows().get(place));
    }
    return rows;
  }

  private static List<Outcome<Map<String, Tensor>>> gather(
      InferRequest request, List<int[]> batches, List<Call> calls) {
    List<Outcome<Map<String, Tensor>>> outcomes =
        new ArrayList<>(Collections.nCopies(request.rows().size(), null));
    for (int i = 0; i < calls.size(); i++) {
      List<Map<String, Tensor>> answers = calls.get(i).answer().join();
      for (int row = 0; row < answers.size(); row++) {
        outcomes.set(batches.get(i)[row], Outcome.done(answers.get(row)));
      }
    }
    return outcomes;
  }

  @Override
  public Sequence openSequence() {
    return new TritonSequence(route, sequences);
  }

  @Override
  public int sequences() {
    return sequences.get();
  }

  @Override
  public AnswerStream openStream(InferRequest request) {
    return TritonAnswerStream.open(route, request);
  }

  @Override
  public boolean ready() {
    return !route.bulkhead().closed()
        && servers().stream().anyMatch(server -> server.runs(model()));
  }

  @Override
  public List<Fault> faults() {
    List<Fault> faults = new ArrayList<>();
    for (TritonServer server : servers()) {
      switch (server.state(model())) {
        case ModelState.Ready _ -> {
          return List.of();
        }
        case ModelState.Different(List<Fault> found) -> faults.addAll(found);
        case ModelState.Unready _ -> {}
      }
    }
    return faults.stream().distinct().toList();
  }

  private List<TritonServer> servers() {
    return route.engine().pool().servers();
  }

  @Override
  public int slots() {
    return model().instances() * Math.max(1, servers().size());
  }

  @Override
  public void close() {
    route.bulkhead().close();
    route.engine().models().remove(model().name());
  }

  @Override
  public String toString() {
    return "Triton, " + model();
  }
}
