package dev.fovea.engine.triton;

import dev.fovea.failure.Fault;
import dev.fovea.model.ServableModel;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import inference.ModelConfig;
import inference.ModelConfigRequest;
import inference.ModelMetadataRequest;
import inference.ModelQueuePolicy;
import inference.ModelReadyRequest;
import inference.ServerLiveRequest;
import inference.ServerMetadataRequest;
import inference.ServerMetadataResponse;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Looks at one server all the time: is it there, are its models ready, are they the repository's.
///
/// A model is compared when its server is first seen, after every break of the connection (the
/// server may have come back as another), whenever it becomes ready after it was not, and now and
/// then, for it may be reloaded between two looks. In between it is only asked whether it is ready.
/// A break of the connection and a call that failed are reasons to look at once.
final class ServerWatch implements Runnable, AutoCloseable {
  private static final Logger LOG = System.getLogger(ServerWatch.class.getName());

  /// Looks without any answer after which the connections themselves are no longer trusted.
  private static final int SILENT_LOOKS = 3;

  /// Looks from one comparison of a model that is ready to the next.
  private static final int LOOKS_A_COMPARISON = 20;

  private final TritonServer server;
  private final TritonSettings settings;
  private final Collection<ServableModel> models;
  private final Runnable changed;
  private final Semaphore nudges = new Semaphore(0);
  private volatile boolean stopped;
  private volatile boolean known;
  private @Nullable ManagedChannel watched;
  private int silent;
  private int looks;

  /// @param models what to look at; may grow and shrink meanwhile
  /// @param changed called after every look
  ServerWatch(
      TritonServer server,
      TritonSettings settings,
      Collection<ServableModel> models,
      Runnable changed) {
    this.server = server;
    this.settings = settings;
    this.models = models;
    this.changed = changed;
  }

  TritonServer server() {
    return server;
  }

  void start() {
    Thread.ofVirtual().name("triton-watch-" + server).start(this);
  }

  /// Asks for a look now.
  void nudge() {
    nudges.release();
  }

  @Override
  public void run() {
    while (!stopped) {
      look();
      changed.run();
      try {
        if (nudges.tryAcquire(settings.watchInterval().toNanos(), TimeUnit.NANOSECONDS)) {
          nudges.drainPermits();
        }
      } catch (InterruptedException _) {
        return;
      }
    }
  }

  private void look() {
    try {
      watchConnection(server.control());
      boolean anew = !known || ++looks % LOOKS_A_COMPARISON == 0;
      if (!known) {
        meet();
      }
      if ((anew || server.memory().wantsTending()) && server.dialect() == Dialect.TRITON) {
        server.memory().tend(stub());
      }
      for (ServableModel model : models) {
        set(model, state(model, anew));
      }
      silent = 0;
    } catch (StatusRuntimeException e) {
      known = false;
      models.forEach(model -> set(model, new ModelState.Unready(describe(e.getStatus()))));
      silent = e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED ? silent + 1 : 0;
      if (silent == SILENT_LOOKS && !stopped) {
        LOG.log(Level.WARNING, "Triton at {0} is silent: new connections are made", server);
        server.reconnect();
        silent = 0;
      }
    }
  }

  /// Makes every break of the connection a reason to compare anew.
  private void watchConnection(ManagedChannel channel) {
    if (!channel.equals(watched)) {
      watched = channel;
      onChange(channel, channel.getState(true));
    }
    channel.resetConnectBackoff();
  }

  private void onChange(ManagedChannel channel, ConnectivityState state) {
    channel.notifyWhenStateChanged(
        state,
        () -> {
          if (state == ConnectivityState.READY) {
            known = false;
            nudge();
          }
          if (!stopped && !channel.isShutdown()) {
            onChange(channel, channel.getState(false));
          }
        });
  }

  private void meet() {
    boolean live = stub().serverLive(ServerLiveRequest.getDefaultInstance()).getLive();
    if (!live) {
      throw Status.UNAVAILABLE.withDescription("it says that it is not live").asRuntimeException();
    }
    // Set before the questions: a break during them must not be forgotten.
    known = true;
    ServerMetadataResponse metadata =
        stub().serverMetadata(ServerMetadataRequest.getDefaultInstance());
    Dialect dialect = Dialect.of(metadata);
    server.speaks(dialect);
    server.hasReturned();
    LOG.log(
        Level.INFO,
        "inference server at {0}: {1} {2}{3}",
        server,
        dialect,
        metadata.getVersion().replaceAll("[^0-9A-Za-z.+-]", ""),
        dialect.lacks().isEmpty() ? "" : " (" + dialect.lacks() + ")");
  }

  private ModelState state(ServableModel model, boolean anew) {
    try {
      boolean ready =
          stub()
              .modelReady(
                  ModelReadyRequest.newBuilder()
                      .setName(model.name())
                      .setVersion(model.version())
                      .build())
              .getReady();
      if (!ready) {
        return new ModelState.Unready("it says that the model is not ready");
      }
      ModelState before = server.state(model);
      return before instanceof ModelState.Ready && !anew ? before : compare(model);
    } catch (StatusRuntimeException e) {
      // An answer about this model alone; anything else is about the server.
      if (Meaning.of(e.getStatus(), true) == Meaning.MODEL_UNKNOWN
          || Meaning.of(e.getStatus(), true) == Meaning.MODEL_NOT_READY) {
        return new ModelState.Unready(describe(e.getStatus()));
      }
      throw e;
    }
  }

  private ModelState compare(ServableModel model) {
    if (!server.dialect().hasConfigurations()) {
      List<Fault> faults =
          SignatureComparison.of(
              model,
              stub()
                  .modelMetadata(
                      ModelMetadataRequest.newBuilder()
                          .setName(model.name())
                          .setVersion(model.version())
                          .build()));
      return faults.isEmpty()
          ? new ModelState.Ready(Duration.ZERO, Duration.ZERO)
          : new ModelState.Different(faults);
    }
    ModelConfig config =
        stub()
            .modelConfig(
                ModelConfigRequest.newBuilder()
                    .setName(model.name())
                    .setVersion(model.version())
                    .build())
            .getConfig();
    List<Fault> faults = SignatureComparison.of(model, config);
    return faults.isEmpty()
        ? new ModelState.Ready(queueTimeout(config), idleLimit(config))
        : new ModelState.Different(faults);
  }

  /// A request may ask for less time in the queue only where the policy has a default to go below.
  private static Duration queueTimeout(ModelConfig config) {
    ModelQueuePolicy policy = config.getDynamicBatching().getDefaultQueuePolicy();
    return policy.getAllowTimeoutOverride()
        ? Duration.of(policy.getDefaultTimeoutMicroseconds(), ChronoUnit.MICROS)
        : Duration.ZERO;
  }

  private static Duration idleLimit(ModelConfig config) {
    return Duration.of(
        config.getSequenceBatching().getMaxSequenceIdleMicroseconds(), ChronoUnit.MICROS);
  }

  /// Says so in the log when it is news.
  private void set(ServableModel model, ModelState state) {
    ModelState before = server.state(model);
    server.set(model, state);
    if (state.equals(before)) {
      return;
    }
    switch (state) {
      case ModelState.Ready _ ->
          LOG.log(Level.INFO, "{0} is ready on Triton at {1}", model.name(), server);
      case ModelState.Unready(String reason) ->
          LOG.log(
              Level.WARNING,
              "{0} is not ready on Triton at {1}: {2}",
              model.name(),
              server,
              reason);
      case ModelState.Different(List<Fault> faults) -> {
        for (Fault fault : faults) {
          LOG.log(Level.ERROR, "not served from Triton at {0}: {1}", server, fault);
        }
      }
    }
  }

  /// For one question.
  private GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(server.control())
        .withDeadlineAfter(settings.probeTimeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  private static String describe(Status status) {
    return status.getCode()
        + (status.getDescription() == null ? "" : ", " + status.getDescription());
  }

  @Override
  public void close() {
    stopped = true;
    nudge();
    server.close();
  }
}
