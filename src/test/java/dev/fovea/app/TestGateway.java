package dev.fovea.app;

import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/// The whole program on a free port, without its frame, and a channel to it. Settings are given by
/// their names.
public final class TestGateway implements AutoCloseable {
  /// The models that ship with the program.
  public static final Path SHIPPED_REPOSITORY = Path.of("model-repository");

  private final Gateway gateway;
  private final ManagedChannel channel;
  private final AtomicBoolean drained = new AtomicBoolean();

  private TestGateway(Gateway gateway) {
    this.gateway = gateway;
    this.channel = newChannel(gateway.port());
  }

  /// The shipped models on the embedded engine.
  public static TestGateway start() {
    return start(Map.of());
  }

  /// The shipped models on the embedded engine, with some settings of the test's own.
  public static TestGateway start(Map<String, String> settings) {
    return new TestGateway(Gateway.open(settings(settings), new SimpleMeterRegistry()));
  }

  /// The shipped models on an engine of the test's own.
  public static TestGateway start(Map<String, String> settings, Function<Clock, Engine> engine) {
    Clock clock = Clock.system();
    return new TestGateway(
        Gateway.open(
            settings(settings), new SimpleMeterRegistry(), clock, _ -> engine.apply(clock)));
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

  /// A channel that is closed with the gateway.
  public ManagedChannel channel() {
    return channel;
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
