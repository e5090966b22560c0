/// The standard inference protocol (KServe v2) over the engine, for clients that bring tensors of
/// their own. Off unless an operator turns it on.
///
/// Read [dev.fovea.rpc.kserve.InferenceRpc] first. May import `engine`, `model`, `tensor`,
/// `admission`, `call`, `failure`, `telemetry` and `rpc`.
@NullMarked
package dev.fovea.rpc.kserve;

import org.jspecify.annotations.NullMarked;
