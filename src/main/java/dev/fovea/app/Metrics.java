package dev.fovea.app;

import dev.fovea.cache.ResultCache;
import dev.fovea.cache.UploadedImages;
import dev.fovea.generate.Ending;
import dev.fovea.task.GenerateText;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageListener;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/// Counts calls and the time they spend: `fovea_rpc_duration_seconds` by method and status,
/// `fovea_rpc_inflight`, and `fovea_stage_duration_seconds` by stage; `fovea_uploads_…` for the
/// images that handles stand for, `fovea_cache_…` for the vectors that are kept, `fovea_features_…`
/// for what was seen of images, `fovea_generation_…` for texts.
final class Metrics implements ServerInterceptor, StageListener {
  private static final Duration[] BUCKETS = {
    Duration.ofNanos(500_000),
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(200),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30)
  };

  private final MeterRegistry registry;
  private final AtomicInteger inFlight = new AtomicInteger();
  private final LongAdder answered = new LongAdder();
  private final Map<Stage, Timer> stages = new EnumMap<>(Stage.class);

  Metrics(MeterRegistry registry) {
    this.registry = registry;
    Gauge.builder("fovea.rpc.inflight", inFlight, AtomicInteger::get)
        .description("Calls under way")
        .register(registry);
    for (Stage stage : Stage.values()) {
      stages.put(
          stage,
          Timer.builder("fovea.stage.duration")
              .description("Time that calls spend in each stage")
              .tag("stage", stage.name().toLowerCase(Locale.ROOT))
              .serviceLevelObjectives(BUCKETS)
              .register(registry));
    }
  }

  /// A number that is asked for whenever metrics are read.
  void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).register(registry);
  }

  /// What is kept of uploaded images, and what became of their handles.
  void observe(UploadedImages uploaded) {
    gauge("fovea.uploads.images", "Uploaded images kept or on their way", uploaded::images);
    gauge("fovea.uploads.bytes", "Bytes of those images", uploaded::bytes);
    count("fovea.uploads.hits", "Handles found", uploaded, u -> u.counts().hits());
    count("fovea.uploads.misses", "Handles not found", uploaded, u -> u.counts().misses());
    count(
        "fovea.uploads.expirations",
        "Uploaded images whose time was over",
        uploaded,
        u -> u.counts().expirations());
    count(
        "fovea.uploads.refusals",
        "Uploads that there was no room for",
        uploaded,
        u -> u.counts().refusals());
  }

  /// What a cache keeps, and how often that was of use.
  void observe(String name, String what, ResultCache<?> cache) {
    gauge(name + ".entries", what + " kept", cache::entries);
    gauge(name + ".bytes", what + " kept: their bytes", cache::bytes);
    gauge(name + ".pending", what + " being made that others may wait for", cache::underWay);
    count(name + ".hits", what + " found", cache, c -> c.counts().hits());
    count(
        name + ".joins",
        what + " waited for while another call made them",
        cache,
        c -> c.counts().joins());
    count(name + ".misses", what + " that had to be made", cache, c -> c.counts().misses());
    count(
        name + ".evictions",
        what + " that made room for others",
        cache,
        c -> c.counts().evictions());
  }

  /// The texts that are generated, and how they end.
  void observe(GenerateText texts) {
    gauge("fovea.generation.texts", "Texts under way", texts::underWay);
    gauge(
        "fovea.generation.waiting",
        "Pieces of text that wait for their clients to read",
        texts.backlog()::sum);
    count("fovea.generation.tokens", "Tokens generated", texts, t -> t.counts().tokens());
    for (Ending.Reason reason : Ending.Reason.values()) {
      ending(texts, reason.name(), counts -> counts.finished().getOrDefault(reason, 0L));
    }
    ending(texts, "CANCELLED", GenerateText.Counts::gone);
    ending(texts, "SLOW_CONSUMER", GenerateText.Counts::slow);
    ending(texts, "FAILED", GenerateText.Counts::failed);
  }

  private void ending(
      GenerateText texts, String reason, ToDoubleFunction<GenerateText.Counts> count) {
    FunctionCounter.builder("fovea.generation.endings", texts, t -> count.applyAsDouble(t.counts()))
        .description("Texts that have ended, by why")
        .tag("reason", reason)
        .register(registry);
  }

  /// What waits for models, how often newer files took the place of what was served, and what they
  /// replaced.
  void observe(ServedModels models) {
    gauge("fovea.engine.waiting", "Rows that wait for an instance of a model", models::waiting);
    gauge(
        "fovea.models.retiring",
        "Sets of families that are released when their last calls end",
        models.generations()::waiting);
    count("fovea.models.swaps", "Families served from changed files", models, ServedModels::swaps);
  }

  private <T> void count(String name, String description, T source, ToDoubleFunction<T> value) {
    FunctionCounter.builder(name, source, value).description(description).register(registry);
  }

  @Override
  public void spent(Stage stage, long nanos) {
    Timer timer = stages.get(stage);
    if (timer != null) {
      timer.record(nanos, TimeUnit.NANOSECONDS);
    }
  }

  /// Calls that have ended, whatever their status.
  long answered() {
    return answered.sum();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    CountedCall<Q, A> counted = new CountedCall<>(call);
    ServerCall.Listener<Q> listener = next.startCall(counted, headers);
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onCancel() {
        counted.end(Status.CANCELLED);
        super.onCancel();
      }
    };
  }

  /// A call that is counted when it begins and, once, when it ends.
  private final class CountedCall<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final long startNanos = System.nanoTime();
    private final AtomicBoolean ended = new AtomicBoolean();

    CountedCall(ServerCall<Q, A> call) {
      super(call);
      inFlight.incrementAndGet();
    }

    @Override
    public void close(Status status, Metadata trailers) {
      end(status);
      super.close(status, trailers);
    }

    void end(Status status) {
      if (ended.getAndSet(true)) {
        return;
      }
      inFlight.decrementAndGet();
      answered.increment();
      Timer.builder("fovea.rpc.duration")
          .description("Time from the arrival of a call to its end")
          .tag("method", getMethodDescriptor().getFullMethodName())
          .tag("code", status.getCode().name())
          .serviceLevelObjectives(BUCKETS)
          .register(registry)
          .record(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS);
    }
  }
}
