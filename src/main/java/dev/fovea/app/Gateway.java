package dev.fovea.app;

import dev.fovea.admission.ByteBudget;
import dev.fovea.admission.CpuGate;
import dev.fovea.admission.Limiter;
import dev.fovea.batch.BatchingEngine;
import dev.fovea.cache.ResultCache;
import dev.fovea.cache.UploadLimits;
import dev.fovea.cache.UploadedImages;
import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ServedFamily;
import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.engine.triton.AliasingMarshaller;
import dev.fovea.engine.triton.Security;
import dev.fovea.engine.triton.Security.Identity;
import dev.fovea.engine.triton.Security.ProtocolKey;
import dev.fovea.engine.triton.Security.Tls;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.engine.triton.TritonSettings.Sharing;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.codec.SniffingDecoder;
import dev.fovea.model.ModelRepository;
import dev.fovea.rpc.CallContexts;
import dev.fovea.rpc.CallPolicy;
import dev.fovea.rpc.Door;
import dev.fovea.rpc.Drain;
import dev.fovea.rpc.RequestLimits;
import dev.fovea.rpc.Services;
import dev.fovea.rpc.TimeLimits;
import dev.fovea.rpc.kserve.InferenceRpc;
import dev.fovea.store.LabelSets;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.Embedding;
import dev.fovea.task.EncodeItems;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.GenerateText;
import dev.fovea.task.ImageFeatures;
import dev.fovea.task.InspectImage;
import dev.fovea.task.PrepareImages;
import dev.fovea.task.ReuseEmbeddings;
import dev.fovea.task.SeeImages;
import dev.fovea.task.Task;
import dev.fovea.telemetry.StageListener;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.LabelSetServiceGrpc;
import dev.fovea.v1.ModelServiceGrpc;
import inference.GRPCInferenceServiceGrpc;
import inference.ModelInferRequest;
import io.grpc.BindableService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.micrometer.core.instrument.MeterRegistry;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/// The whole program but its frame: what is made of what, in the order in which it is made.
///
/// Repository and engine are opened at the same time; then the families are loaded, the server
/// listens, everything is warmed up over a real connection, and only then does health say SERVING.
/// Closed in the reverse order.
public final class Gateway implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Gateway.class.getName());
  private static final Duration HEALTH_INTERVAL = Duration.ofMillis(200);
  private static final Duration WARM_UP_INTERVAL = Duration.ofSeconds(1);

  private final ServedModels models;
  private final ImageDecoder decoder;
  private final Metrics metrics;
  private final GrpcServer server;
  private final WarmUp warmUp;

  /// Families that health has spoken of. Used by the one thread that reports it.
  private final Set<String> reported = new HashSet<>();

  private final ScheduledExecutorService healthReports = newScheduler("health");
  private final ScheduledExecutorService chores = newScheduler("models");

  private Gateway(
      ServedModels models,
      ImageDecoder decoder,
      Metrics metrics,
      GrpcServer server,
      WarmUp warmUp) {
    this.models = models;
    this.warmUp = warmUp;
    this.decoder = decoder;
    this.metrics = metrics;
    this.server = server;
  }

  /// Opens everything with the engine that the settings name: Triton where there are servers, else
  /// the embedded one.
  ///
  /// @throws FaultyConfigurationException when no family can be served, naming every fault
  public static Gateway open(Settings settings, MeterRegistry registry) {
    return open(settings, registry, Clock.system());
  }

  /// As [#open(Settings, MeterRegistry)], by a clock of the caller's choice.
  static Gateway open(Settings settings, MeterRegistry registry, Clock clock) {
    Optional<TritonSettings> triton = tritonSettings(settings);
    return open(
        settings,
        registry,
        clock,
        s ->
            triton.isPresent()
                ? bridge(triton.get(), s, clock)
                : embedded(s.engine().queueSize(), clock));
  }

  /// ONNX Runtime behind a batcher. The batcher hands an instance its next batch when it is free:
  /// what waits, waits there.
  private static Engine embedded(int queueSize, Clock clock) {
    return new BatchingEngine(new OnnxEngine(clock, queueSize), clock, queueSize);
  }

  private static Engine bridge(TritonSettings triton, Settings settings, Clock clock) {
    Engine engine = new TritonEngine(triton, clock);
    return switch (settings.triton().batching()) {
      case TRITON -> engine;
      case GATEWAY -> new BatchingEngine(engine, clock, triton.queueSize());
    };
  }

  private static Optional<TritonSettings> tritonSettings(Settings settings) {
    Settings.Triton triton = settings.triton();
    try {
      return triton
          .servers()
          .map(servers ->
              new TritonSettings(
                  servers,
                  triton.connections(),
                  settings.engine().queueSize(),
                  triton.maxAnswerBytes(),
                  triton.watchInterval(),
                  triton.probeTimeout(),
                  triton.openWait(),
                  new Sharing(triton.sharedMemoryBytes(), triton.sharedMemoryFrom()),
                  security(triton)));
    } catch (IllegalArgumentException e) {
      throw new FaultyConfigurationException(
          new Fault("settings", "fovea.triton", "wrong", String.valueOf(e.getMessage())));
    }
  }

  private static Security security(Settings.Triton triton) {
    Optional<ProtocolKey> key = triton.protocolKey().map(ProtocolKey::of);
    boolean identified = triton.clientCertificate().isPresent();
    boolean detailed =
        identified || triton.trustCertificate().isPresent() || triton.serverName().isPresent();
    if (identified != triton.clientKey().isPresent()) {
      throw new IllegalArgumentException("client-certificate, client-key: one (expected: both)");
    }
    if (detailed && !triton.tls()) {
      throw new IllegalArgumentException("tls: false (expected: true, since it is described)");
    }
    return new Security(
        triton.tls()
            ? Optional.of(
                new Tls(
                    triton.trustCertificate(),
                    triton
                        .clientCertificate()
                        .map(certificate ->
                            new Identity(certificate, triton.clientKey().orElseThrow())),
                    triton.serverName()))
            : Optional.empty(),
        key);
  }

  /// Opens everything with an engine of the caller's choice.
  static Gateway open(
      Settings settings, MeterRegistry registry, Clock clock, Function<Settings, Engine> engines) {
    CompletableFuture<Engine> opening =
        CompletableFuture.supplyAsync(() -> engines.apply(settings));
    RequestLimits limits = limits(settings);
    ImageDecoder decoder = new SniffingDecoder(limits.image(), settings.image().jpegDecoder());
    ServedModels models =
        ServedModels.open(
            settings.repository(),
            () ->
                ModelRepository.read(
                    settings.repository(), decoder.specification(), settings.modelConfigName()),
            opening::join,
            settings.defaultFamily());

    CpuGate cpu =
        new CpuGate(
            settings.cpu().width().orElseGet(() -> Runtime.getRuntime().availableProcessors()));
    ByteBudget budget = new ByteBudget(settings.limits().maxDecodedBytes());
    Metrics metrics = new Metrics(registry);
    metrics.gauge("fovea.cpu.waiting", "Pieces of work that wait for a processor", cpu::waiting);
    metrics.gauge("fovea.decoded.bytes", "Bytes of images being decoded", budget::taken);
    UploadedImages uploaded = new UploadedImages(uploadLimits(settings), clock);
    metrics.observe(uploaded);
    EncodeItems encodeItems =
        new EncodeItems(new PrepareImages(decoder, limits.image(), budget, cpu), cpu);
    Limiter limiter = new Limiter(admission(settings), clock);
    StageListener stages = metrics.andThen(limiter);
    metrics.gauge("fovea.admission.level", "Items that may be under way", limiter::level);
    metrics.gauge("fovea.admission.items", "Items under way", limiter::underWay);
    LabelSets labelSets =
        new LabelSets(settings.labelSets().folder(), settings.labelSets().maxSets(), clock);
    metrics.gauge("fovea.label.sets", "Label sets kept", labelSets::count);
    metrics.observe(models);
    EmbedItems embedItems = new EmbedItems(encodeItems, reuseEmbeddings(settings, cpu, metrics));
    Drain drain = new Drain();
    metrics.gauge("fovea.streams", "Streams that are told when the server ends", drain::calls);
    Services services =
        new Services(
            models::catalog,
            encodeItems,
            embedItems,
            cpu,
            generateText(settings, encodeItems, cpu, models, metrics),
            new InspectImage(decoder, limits.image()),
            uploaded,
            labelSets,
            limiter,
            drain,
            limits,
            stages);
    List<BindableService> all = new ArrayList<>(services.all());
    Set<String> guarded = new HashSet<>(Services.guarded());
    if (settings.kserve().enabled()) {
      guarded.add(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName());
      all.add(
          new InferenceRpc(() -> leases(models.catalog()), Serve.VERSION, clock, limiter, stages)
              .service(new AliasingMarshaller<>(ModelInferRequest.getDefaultInstance())));
    }
    CallPolicy policy = callPolicy(settings, clock);
    CallContexts contexts = new CallContexts(policy);
    GrpcServer server =
        GrpcServer.start(
            settings,
            all,
            new Door(limiter, contexts, guarded),
            List.of(new TimeLimits(policy, all), contexts, models.generations()),
            List.of(metrics, contexts),
            drain::begin);
    WarmUp warmUp = new WarmUp(settings.grpc().host(), server.port(), limits);
    Gateway gateway = new Gateway(models, decoder, metrics, server, warmUp);
    warmUp.run(models.catalog());
    gateway.reportHealth();
    gateway.keepReportingHealth();
    gateway.keepWarmingUp();
    gateway.followRepository(
        settings.repositoryPollInterval(), family -> WarmUp.tryOut(family, embedItems, clock));
    return gateway;
  }

  /// Every model that is served, by its own name.
  private static Map<String, Lease> leases(FamilyCatalog catalog) {
    Map<String, Lease> leases = new HashMap<>();
    for (ServedFamily family : catalog.served().values()) {
      family.leases().values().forEach(lease -> leases.put(lease.model().name(), lease));
    }
    return leases;
  }

  private static RequestLimits limits(Settings settings) {
    Settings.Limits limits = settings.limits();
    return new RequestLimits(
        settings.grpc().maxMessageBytes(),
        new ImageLimits(
            limits.maxImageBytes(),
            limits.maxImagePixels(),
            limits.maxImageSide(),
            limits.maxImageAspect()),
        limits.maxItems(),
        limits.maxTextCharacters(),
        limits.maxLabels(),
        limits.maxPrompts());
  }

  private static ReuseEmbeddings reuseEmbeddings(Settings settings, CpuGate cpu, Metrics metrics) {
    Settings.Cache cache = settings.cache();
    if (cache.maxBytes() < 0) {
      throw new FaultyConfigurationException(
          new Fault(
              "settings", "fovea.cache.max-bytes", String.valueOf(cache.maxBytes()), "0 or more"));
    }
    Optional<ResultCache<Embedding>> kept =
        cache.maxBytes() == 0
            ? Optional.empty()
            : Optional.of(new ResultCache<>(cache.maxBytes(), Embedding::bytes));
    kept.ifPresent(vectors -> metrics.observe("fovea.cache", "Vectors", vectors));
    return new ReuseEmbeddings(kept, cache.sharing(), cpu);
  }

  private static GenerateText generateText(
      Settings settings,
      EncodeItems encodeItems,
      CpuGate cpu,
      ServedModels models,
      Metrics metrics) {
    long bytes = settings.cache().maxFeatureBytes();
    if (bytes < 0) {
      throw new FaultyConfigurationException(
          new Fault(
              "settings", "fovea.cache.max-feature-bytes", String.valueOf(bytes), "0 or more"));
    }
    Optional<ResultCache<ImageFeatures>> seen =
        bytes == 0 ? Optional.empty() : Optional.of(new ResultCache<>(bytes, ImageFeatures::bytes));
    seen.ifPresent(cache -> metrics.observe("fovea.features", "Image features", cache));
    GenerateText generateText =
        new GenerateText(new SeeImages(encodeItems, seen, settings.cache().sharing(), cpu), cpu);
    metrics.observe(generateText);
    metrics.gauge(
        "fovea.generation.sequences",
        "Sequences of decoders under way or waiting to be",
        () -> leases(models.catalog()).values().stream().mapToInt(Lease::sequences).sum());
    return generateText;
  }

  private static UploadLimits uploadLimits(Settings settings) {
    Settings.Uploads uploads = settings.uploads();
    return new UploadLimits(
        uploads.timeToLive(),
        uploads.maxImages(),
        uploads.maxBytes(),
        uploads.maxImagesPerCaller(),
        uploads.maxBytesPerCaller());
  }

  private static Limiter.Policy admission(Settings settings) {
    Settings.Admission admission = settings.admission();
    return new Limiter.Policy(
        admission.startItems(),
        admission.leastItems(),
        admission.mostItems(),
        admission.queueDelay());
  }

  static CallPolicy callPolicy(Settings settings, Clock clock) {
    Settings.Call call = settings.call();
    return new CallPolicy(
        clock, call.defaultDeadline(), call.maxDeadline(), call.trustCallerHeader());
  }

  /// One status a family, one a service, and one for all: the service of a task is up while a
  /// family that can do it is.
  private void reportHealth() {
    Map<String, ServedFamily> served = models.catalog().served();
    reported.addAll(served.keySet());
    reported.addAll(models.catalog().broken().keySet());
    for (String name : reported) {
      ServedFamily family = served.get(name);
      server.setServing("family/" + name, family != null && canAnswer(family));
    }
    server.setServing(
        EmbeddingServiceGrpc.SERVICE_NAME, canDo(Set.of(Task.EMBED_IMAGE, Task.EMBED_TEXT)));
    server.setServing(
        ClassificationServiceGrpc.SERVICE_NAME,
        canDo(Set.of(Task.CLASSIFY, Task.CLASSIFY_EMOTION)));
    server.setServing(
        DensePredictionServiceGrpc.SERVICE_NAME,
        canDo(Set.of(Task.MAP_RELEVANCE, Task.ESTIMATE_DEPTH, Task.EXTRACT_PATCH_FEATURES)));
    server.setServing(GenerationServiceGrpc.SERVICE_NAME, canDo(Set.of(Task.CAPTION, Task.ANSWER)));
    server.setServing(LabelSetServiceGrpc.SERVICE_NAME, true);
    server.setServing(ImageServiceGrpc.SERVICE_NAME, true);
    server.setServing(ModelServiceGrpc.SERVICE_NAME, true);
    server.setServing(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ready());
  }

  /// Models may come and go with the servers that run them: health follows.
  private void keepReportingHealth() {
    long millis = HEALTH_INTERVAL.toMillis();
    var _ =
        healthReports.scheduleWithFixedDelay(
            this::reportHealth, millis, millis, TimeUnit.MILLISECONDS);
  }

  /// A family whose first calls ran out of time goes on being warmed up beside the others.
  private void keepWarmingUp() {
    var _ =
        chores.scheduleWithFixedDelay(
            this::warmUpAgain,
            WARM_UP_INTERVAL.toMillis(),
            WARM_UP_INTERVAL.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private void warmUpAgain() {
    if (warmUp.cold().isEmpty()) {
      return;
    }
    try {
      warmUp.run(models.catalog());
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "a family cannot be warmed up", e);
    }
  }

  private void followRepository(Duration interval, ServedModels.Trial trial) {
    if (!interval.isPositive()) {
      return;
    }
    var _ =
        chores.scheduleWithFixedDelay(
            () -> poll(trial), interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Whatever goes wrong, the next poll comes.
  private void poll(ServedModels.Trial trial) {
    try {
      models.poll(trial);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "the model repository cannot be followed", e);
    }
  }

  private static ScheduledExecutorService newScheduler(String name) {
    return Executors.newSingleThreadScheduledExecutor(
        Thread.ofPlatform().daemon().name(name).factory());
  }

  private boolean canAnswer(ServedFamily family) {
    return family.ready() && !warmUp.cold().contains(family.family().name());
  }

  private boolean canDo(Set<Task> anyOf) {
    return models.catalog().served().values().stream()
        .anyMatch(family ->
            canAnswer(family) && anyOf.stream().anyMatch(task -> task.isSupportedBy(family)));
  }

  /// Whether every family of the repository is served and can answer.
  public boolean ready() {
    FamilyCatalog catalog = models.catalog();
    return catalog.broken().isEmpty()
        && catalog.served().values().stream().allMatch(this::canAnswer);
  }

  /// The port that gRPC listens on.
  public int port() {
    return server.port();
  }

  /// What is served, for the line that says so.
  FamilyCatalog catalog() {
    return models.catalog();
  }

  Engine engine() {
    return models.engine();
  }

  ImageDecoder decoder() {
    return decoder;
  }

  /// Calls that have ended, those of the warm-up among them.
  long answered() {
    return metrics.answered();
  }

  /// Ends in order: no more calls, then the models, then the engine.
  @Override
  public void close() {
    chores.shutdownNow();
    server.close();
    healthReports.shutdownNow();
    models.close();
  }
}
