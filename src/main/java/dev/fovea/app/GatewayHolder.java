package dev.fovea.app;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/// Where the frame finds the gateway while it is open.
@ApplicationScoped
public class GatewayHolder {
  private final AtomicReference<Optional<Gateway>> gateway =
      new AtomicReference<>(Optional.empty());

  void hold(Gateway gateway) {
    this.gateway.set(Optional.of(gateway));
  }

  void release() {
    gateway.set(Optional.empty());
  }

  Optional<Gateway> gateway() {
    return gateway.get();
  }
}
