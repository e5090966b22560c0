package dev.fovea.app;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.Role;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.ConfigProvider;

/// Opens the gateway inside the frame, says so in one line, and waits to be told to end.
public class GatewayApplication implements QuarkusApplication {
  private static final PrintStream OUT = System.out;
  private static final PrintStream ERR = System.err;

  private final Settings settings;
  private final MeterRegistry registry;
  private final GatewayHolder holder;

  GatewayApplication(Settings settings, MeterRegistry registry, GatewayHolder holder) {
    this.settings = settings;
    this.registry = registry;
    this.holder = holder;
  }

  @Override
  public int run(String... args) {
    try {
      serve(Gateway.open(settings, registry));
      return 0;
    } catch (FaultyConfigurationException e) {
      ERR.println("Fovea cannot start: the configuration has faults");
      for (Fault fault : e.faults()) {
        ERR.println("  " + fault);
      }
      return 1;
    } catch (UncheckedIOException e) {
      ERR.println("Fovea cannot start: " + e.getMessage() + causeOf(e));
      return 1;
    }
  }

  private void serve(Gateway gateway) {
    long warmUpCalls = gateway.answered();
    holder.hold(gateway);
    Signals.onEnd(Quarkus::asyncExit);
    OUT.println(readyLine(gateway));
    Quarkus.waitForExit();
    holder.release();
    OUT.println("Fovea drains: calls under way may finish, no new ones are taken");
    gateway.close();
    OUT.printf("Fovea says goodbye after %,d calls%n", gateway.answered() - warmUpCalls);
  }

  private static String causeOf(UncheckedIOException e) {
    return e.getCause() == null ? "" : " (" + e.getCause().getMessage() + ")";
  }

  private String readyLine(Gateway gateway) {
    double seconds =
        (System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime()) / 1000.0;
    String families =
        gateway.catalog().served().values().stream()
            .map(GatewayApplication::describe)
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "Fovea is ready in %.2f s: gRPC %s:%d, HTTP %s:%d, engine %s, images %s, families %s%s",
        seconds,
        settings.grpc().host(),
        gateway.port(),
        settings.http().host(),
        ConfigProvider.getConfig().getValue("quarkus.http.port", Integer.class),
        gateway.engine().description(),
        gateway.decoder().specification(),
        families,
        unserved(gateway));
  }

  private static String unserved(Gateway gateway) {
    String unready =
        gateway.catalog().served().entrySet().stream()
            .filter(family -> !family.getValue().ready())
            .map(Map.Entry::getKey)
            .collect(Collectors.joining(", "));
    return (unready.isEmpty() ? "" : "; NOT ready yet: " + unready)
        + (gateway.catalog().broken().isEmpty()
            ? ""
            : "; NOT served: " + String.join(", ", gateway.catalog().broken().keySet()));
  }

  private static String describe(ServedFamily family) {
    return family.family().members().keySet().stream()
        .sorted()
        .map(Role::label)
        .collect(Collectors.joining(", ", family.family().name() + " (", ")"));
  }
}
