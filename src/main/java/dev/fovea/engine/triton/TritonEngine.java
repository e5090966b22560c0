package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineKind;
import dev.fovea.engine.Lease;
import dev.fovea.model.ServableModel;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Runs models on one or more Triton servers, or other servers of the KServe v2 protocol.
///
/// The servers load the same models from a repository of their own. Each is watched: a model gets
/// calls where it is ready and is what this side's repository says. Which servers have it, and
/// whether any does, may change at any time; a lease stays.
public final class TritonEngine implements Engine {
  /// How long a request that nobody waits for any more may go on where cancelling it must wait.
  private static final Duration LINGER = Duration.ofSeconds(5);

  private final Parts parts;
  private final long openNanos;

  /// What the leases share.
  record Parts(
      TritonSettings settings,
      Clock clock,
      ServerPool pool,
      RetryBudget retries,
      FailureLog log,
      Map<String, ServableModel> models,
      ScheduledExecutorService timer) {
    /// Stops a request if it is not over. A flood of cancellations is spread: what is not cancelled
    /// now runs on for a while, which costs less than what a flood of resets can do to a server.
    void abandon(Attempt attempt) {
      if (attempt.isOver()) {
        return;
      }
      if (attempt.server().cancels().spend()) {
        attempt.cancel();
      } else {
        var _ = timer.schedule(attempt::cancel, LINGER.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
  }

  /// Starts to watch the servers. None of them need be there.
  ///
  /// @throws IllegalArgumentException for a server that is not `host:port` or `dns:///host:port`
  public TritonEngine(TritonSettings settings, Clock clock) {
    this(settings, clock, ServerAddress.Names.system());
  }

  /// As [#TritonEngine(TritonSettings, Clock)], with names that are looked up elsewhere.
  TritonEngine(TritonSettings settings, Clock clock, ServerAddress.Names names) {
    Map<String, ServableModel> models = new ConcurrentHashMap<>();
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("triton-timer").factory());
    this.parts =
        new Parts(
            settings,
            clock,
            new ServerPool(settings, clock, models.values(), names, timer),
            new RetryBudget(),
            new FailureLog(clock),
            models,
            timer);
    this.openNanos = clock.nanoTime();
  }

  @Override
  public EngineKind kind() {
    return EngineKind.TRITON;
  }

  /// Waits for a server that runs the model, until [TritonSettings#openWait] after the engine was
  /// made, then gives the lease in any case.
  @Override
  public Lease open(ServableModel model) {
    parts.models().put(model.name(), model);
    parts.pool().nudgeAll();
    long waitedNanos = parts.clock().nanoTime() - openNanos;
    parts.pool().await(model, parts.settings().openWait().minusNanos(waitedNanos));
    return new TritonLease(ModelRoute.of(model, parts));
  }

  @Override
  public String description() {
    return "Triton at " + String.join(", ", parts.settings().servers());
  }

  /// How many servers run a model now.
  public long serversThatRun(ServableModel model) {
    return parts.pool().servers().stream().filter(server -> server.runs(model)).count();
  }

  /// The servers there are.
  ServerPool pool() {
    return parts.pool();
  }

  @Override
  public void close() {
    parts.pool().close();
    parts.timer().shutdownNow();
  }
}
