package dev.fovea.app;

import dev.fovea.admission.Limiter;
import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.AliasingMarshaller;
import dev.fovea.engine.triton.TritonEngine;
import dev.fovea.engine.triton.TritonSettings;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.CallContexts;
import dev.fovea.rpc.Door;
import dev.fovea.rpc.kserve.InferenceRpc;
import inference.GRPCInferenceServiceGrpc;
import inference.ModelInferRequest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The program's server, interceptors and pass-through in front of one Triton and some models,
/// which need not be those of a repository: for benchmarks, as a process of its own.
public final class PassThrough {
  private PassThrough() {}

  /// Serves until the input ends; says its port first.
  public static void serve(String triton, List<ServableModel> models) throws Exception {
    Clock clock = Clock.system();
    Settings settings = TestGateway.settings(Map.of());
    Metrics metrics = new Metrics(new SimpleMeterRegistry());
    Map<String, Lease> leases = new HashMap<>();
    try (Engine engine = new TritonEngine(TritonSettings.of(triton, 256), clock)) {
      for (ServableModel model : models) {
        leases.put(model.name(), engine.open(model));
      }
      Limiter limiter = new Limiter(Limiter.Policy.DEFAULT, clock);
      InferenceRpc rpc = new InferenceRpc(() -> leases, Serve.VERSION, clock, limiter, metrics);
      CallContexts contexts = new CallContexts(Gateway.callPolicy(settings, clock));
      try (GrpcServer server =
          GrpcServer.start(
              settings,
              List.of(
                  rpc.service(new AliasingMarshaller<>(ModelInferRequest.getDefaultInstance()))),
              new Door(
                  limiter,
                  contexts,
                  Set.of(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())),
              List.of(contexts),
              List.of(metrics, contexts),
              () -> {})) {
        System.out.println("port " + server.port());
        while (System.in.read() >= 0) {
          Thread.onSpinWait();
        }
      } finally {
        leases.values().forEach(Lease::close);
      }
    }
  }
}
