package dev.fovea.app;

import dev.fovea.engine.onnx.OnnxEngine;
import dev.fovea.text.HuggingFaceTokenizer;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.nio.file.Path;
import java.security.Security;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `fovea serve`: reads the command line and starts the frame. An option that is given goes before
/// every other source of the setting.
@QuarkusMain
@Command(
    name = "fovea serve",
    description = "Serves the models of a repository over gRPC until it is told to end (Ctrl-C).",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    version = "Fovea " + Serve.VERSION,
    footer = {
      "",
      "Every other setting is listed in docs/configuration.md and may be given as an environment",
      "variable (FOVEA_LIMITS_MAX_ITEMS=64) or as a property (-Dfovea.limits.max-items=64 in",
      "FOVEA_JAVA_OPTIONS)."
    })
public final class Serve implements Callable<Integer> {
  static final String VERSION = "0.1.0";

  /// How long the JVM remembers the addresses of a name: no longer than it takes until the servers
  /// of a name are looked up again.
  private static final String ADDRESSES_KEPT = "networkaddress.cache.ttl";

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address that gRPC and HTTP listen on. Default: 127.0.0.1")
  private @Nullable String host;

  @Option(names = "--port", description = "Port of gRPC, 0 for any. Default: 9000")
  private @Nullable Integer port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      description = "Port of HTTP (health, metrics), 0 for any. Default: 8080")
  private @Nullable Integer httpPort;

  @Option(
      names = "--repository",
      paramLabel = "FOLDER",
      description = "The model repository. Default: model-repository")
  private @Nullable Path repository;

  @Option(
      names = "--triton",
      paramLabel = "HOST:PORT",
      description =
          "Run the models on this Triton, which serves the same repository; several with commas,"
              + " dns:///HOST:PORT for all addresses of a name. Default: run them in this process")
  private @Nullable String triton;

  @Option(
      names = "--enable-kserve",
      description = "Also serve the standard inference protocol (KServe v2). Default: no")
  private boolean kserve;

  public static void main(String... args) {
    int exit = new CommandLine(new Serve()).execute(args);
    if (exit != 0) {
      System.exit(exit);
    }
  }

  @Override
  public Integer call() {
    if (Security.getProperty(ADDRESSES_KEPT) == null) {
      Security.setProperty(ADDRESSES_KEPT, "4");
    }
    set("fovea.grpc.host", host);
    set("fovea.http.host", host);
    set("fovea.grpc.port", port);
    set("fovea.http.port", httpPort);
    set("fovea.repository", repository == null ? null : repository.toAbsolutePath());
    set("fovea.triton.servers", triton);
    set("fovea.kserve.enabled", kserve ? true : null);
    Thread.ofPlatform().daemon().name("native-libraries").start(Serve::loadNativeLibraries);
    Quarkus.run(GatewayApplication.class);
    return 0;
  }

  /// Loading takes a while and a processor of its own: it happens while the frame starts. What
  /// fails here fails again, with its reason, where the library is used.
  private static void loadNativeLibraries() {
    OnnxEngine.loadLibrary();
    HuggingFaceTokenizer.loadLibrary();
  }

  private static void set(String property, @Nullable Object value) {
    if (value != null) {
      System.setProperty(property, value.toString());
    }
  }
}
