package dev.fovea.engine.triton;

import dev.fovea.engine.Refusals;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import io.grpc.Status;
import java.util.Optional;
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

  /// Enters the bulkhead and passes the breaker of the server that suits best, in this order:
  /// whoever passes a breaker calls.
  ///
  /// @param tried servers that failed the call before; they come last
  TritonServer enter(Set<TritonServer> tried) {
    return enter(tried, true).orElseThrow(this::noServer);
  }

  /// As [#enter(Set)]; empty where there is no server.
  ///
  /// @param again whether a server that failed the call may have it once more
  Optional<TritonServer> enter(Set<TritonServer> tried, boolean again) {
    bulkhead.enter();
    Optional<TritonServer> server = engine.pool().admit(model, tried, again);
    if (server.isEmpty()) {
      bulkhead.leave();
    }
    return server;
  }

  /// A call that has entered is not made after all.
  void leave(TritonServer server) {
    server.breaker().ended();
    bulkhead.leave();
  }

  /// Enters the bulkhead and passes the breaker of the one server that it can be.
  void enter(TritonServer server) {
    bulkhead.enter();
    if (!server.breaker().admits()) {
      bulkhead.leave();
      throw noServer();
    }
  }

  GatewayException noServer() {
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
