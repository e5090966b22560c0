package dev.fovea.app;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.task.FamilyCatalog;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The whole program on a free port, without its frame, and a channel to it. Settings are given by
/// their names.
public final class TestGateway implements AutoCloseable {
  /// The models that ship with the program.
  public static final Path SHIPPED_REPOSITORY = Path.of("model-repository");

  /// Its encoders alone, for engines that answer by a script of vectors.
  public static final Path ENCODERS = encoders();

  private static final Metadata.Key<String> CALLER =
      Metadata.Key.of("fovea-caller", Metadata.ASCII_STRING_MARSHALLER);

  private final Gateway gateway;
  private final MeterRegistry registry;
  private final ManagedChannel channel;
  private final AtomicBoolean drained = new AtomicBoolean();

  private TestGateway(Function<MeterRegistry, Gateway> opening) {
    this.registry = new SimpleMeterRegistry();
    this.gateway = opening.apply(registry);
    this.channel = newChannel(gateway.port());
  }

  /// The shipped models on the embedded engine.
  public static TestGateway start() {
    return start(Map.of());
  }

  /// The shipped models on the embedded engine, with some settings of the test's own.
  public static TestGateway start(Map<String, String> settings) {
    return start(settings, Clock.system());
  }

  /// The shipped models on the embedded engine, by a clock of the test's own.
  public static TestGateway start(Map<String, String> settings, Clock clock) {
    return new TestGateway(registry -> Gateway.open(settings(settings), registry, clock));
  }

  /// The shipped encoders on an engine of the test's own.
  public static TestGateway start(Map<String, String> settings, Function<Clock, Engine> engine) {
    return start(settings, Clock.system(), engine);
  }

  /// The shipped encoders on an engine of the test's own, by a clock of its own.
  public static TestGateway start(
      Map<String, String> settings, Clock clock, Function<Clock, Engine> engine) {
    Map<String, String> all = new HashMap<>(settings);
    all.putIfAbsent("fovea.repository", ENCODERS.toString());
    return new TestGateway(
        registry -> Gateway.open(settings(all), registry, clock, _ -> engine.apply(clock)));
  }

  private static Path encoders() {
    try {
      Path copy = Files.createTempDirectory("encoders");
      for (String model : List.of("pico_vision", "pico_text")) {
        try (Stream<Path> files = Files.walk(SHIPPED_REPOSITORY.resolve(model))) {
          for (Path file : files.toList()) {
            Path to = copy.resolve(SHIPPED_REPOSITORY.relativize(file));
            Files.copy(file, to);
            to.toFile().deleteOnExit();
          }
        }
      }
      copy.toFile().deleteOnExit();
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Settings settings(Map<String, String> given) {
    Map<String, String> properties = new HashMap<>();
    properties.put("fovea.grpc.port", "0");
    properties.put("fovea.repository", SHIPPED_REPOSITORY.toString());
    properties.putAll(given);
    return new SmallRyeConfigBuilder()
        .addDefaultInterceptors()
        .withMapping(Settings.class)
        .withConverter(Duration.class, 200, new DurationConverter())
        .withSources(new PropertiesConfigSource(properties, "test", 500))
        .build()
        .getConfigMapping(Settings.class);
  }

  public int port() {
    return gateway.port();
  }

  /// Whether every family is served, and warm.
  boolean ready() {
    return gateway.ready();
  }

  FamilyCatalog catalog() {
    return gateway.catalog();
  }

  /// A channel that is closed with the gateway.
  public ManagedChannel channel() {
    return channel;
  }

  /// The channel as that caller, which the settings must allow to name itself.
  public Channel channelOf(String caller) {
    Metadata headers = new Metadata();
    headers.put(CALLER, caller);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /// What a gauge or counter says now.
  public double metric(String name) {
    return registry.get(name).meter().measure().iterator().next().getValue();
  }

  /// What a counter with a tag says now.
  public double metric(String name, String tag, String value) {
    return registry.get(name).tag(tag, value).meter().measure().iterator().next().getValue();
  }

  /// Series of metrics that there are.
  int meters() {
    return registry.getMeters().size();
  }

  /// Names of its gauges, as they are read at `/q/metrics`.
  Set<String> gauges() {
    return registry.getMeters().stream()
        .filter(meter -> meter.getId().getType() == Meter.Type.GAUGE)
        .map(meter -> meter.getId().getName())
        // What a timer's histogram is made of is a gauge to this registry.
        .filter(name -> !name.endsWith(".histogram"))
        .map(name -> name.replace('.', '_'))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /// Calls that have ended.
  long answered() {
    return gateway.answered();
  }

  /// How often a timer with a tag has been told of something.
  public long count(String timer, String tag, String value) {
    return registry.get(timer).tag(tag, value).timer().count();
  }

  /// One more connection; the caller closes it.
  public ManagedChannel newChannel() {
    return newChannel(port());
  }

  private static ManagedChannel newChannel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  /// Ends the gateway in order, while the channel is still there.
  public void drain() {
    if (!drained.getAndSet(true)) {
      gateway.close();
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    drain();
  }
}
