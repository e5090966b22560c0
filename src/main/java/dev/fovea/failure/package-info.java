/// Refusals: why a request, or one item of it, could not be answered.
///
/// Read [dev.fovea.failure.GatewayException] first, then [dev.fovea.failure.Reason] and
/// [dev.fovea.failure.Outcome]. This package knows no protocol and imports nothing of ours; the one
/// place that turns a reason into a gRPC status is `rpc.StatusMapper`.
@NullMarked
package dev.fovea.failure;

import org.jspecify.annotations.NullMarked;
