package dev.fovea.app;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/// `/q/health/ready`: up while every family of the repository can answer.
@Readiness
@ApplicationScoped
public class GatewayReadiness implements HealthCheck {
  private final GatewayHolder holder;

  GatewayReadiness(GatewayHolder holder) {
    this.holder = holder;
  }

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.named("gateway")
        .status(holder.gateway().filter(Gateway::ready).isPresent())
        .build();
  }
}
