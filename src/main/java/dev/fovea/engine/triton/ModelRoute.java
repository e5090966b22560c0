package dev.fovea.engine.triton;

import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import io.grpc.Status;
import java.util.Set;

/// What all calls of one model share.
///
/// @param model the model
/// @param engine what all models share
/// @param bulkhead how many requests may be on their way
/// @param writer makes its requests
/// @param reader reads its answers
record ModelRoute(
    ServableModel model,
    TritonEngine.Parts engine,
    Bulkhead bulkhead,
    RequestWriter writer,
    AnswerReader reader) {
  static ModelRoute of(ServableModel model, TritonEngine.Parts engine) {
    return new ModelRoute(
        model,
        engine,
        new Bulkhead(model, model.instances(), engine.settings().queueSize()),
        new RequestWriter(model),
        new AnswerReader(model));
  }

  /// The server that suits best.
  ///
  /// @param tried servers that failed the call before
  TritonServer choose(Set<TritonServer> tried) {
    return engine.pool().choose(model, tried).orElseThrow(this::noServer);
  }

  /// Enters the bulkhead and passes the server's breaker, in this order: whoever passes the breaker
  /// calls.
  void enter(TritonServer server) {
    bulkhead.enter();
    if (!server.breaker().admits()) {
      bulkhead.leave();
      throw noServer();
    }
  }

  private GatewayException noServer() {
    return Refusals.unavailable(
        model, "NO_SERVER", new IllegalStateException("no server runs " + model + " now"));
  }

  /// Tells the log and the watch of a failure.
  ///
  /// @return what the caller is refused with
  GatewayException failed(TritonServer server, Meaning meaning, Status status) {
    engine.log().failed(model, server, meaning, status);
    engine.pool().nudge(server);
    return meaning.refusal(model, bulkhead.queueSize(), status.asRuntimeException());
  }
}
