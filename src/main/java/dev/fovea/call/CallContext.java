package dev.fovea.call;

import static java.util.Objects.requireNonNull;

/// What a call carries besides its request. Immutable; made once by the RPC layer, handed down as a
/// value.
///
/// A call that is cancelled has its thread interrupted: code that blocks ends with
/// [InterruptedException], code that computes asks between steps.
///
/// @param requestId names the call in logs, traces and its answer
/// @param caller who asks
/// @param criticality how much it matters
/// @param deadline until when the answer is of use
public record CallContext(
    String requestId, Caller caller, Criticality criticality, Deadline deadline) {
  public CallContext {
    requireNonNull(requestId, "requestId");
    requireNonNull(caller, "caller");
    requireNonNull(criticality, "criticality");
    requireNonNull(deadline, "deadline");
  }
}
