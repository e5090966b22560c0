/// The public services: one class a proto service, the mapping of messages, and the one place where
/// a refusal becomes a gRPC status.
///
/// Read [dev.fovea.rpc.UnaryCalls] first (what happens to every call), then
/// [dev.fovea.rpc.EmbeddingRpc] and [dev.fovea.rpc.StatusMapper]. May import `task` and every
/// package whose types a request or reply names; never an engine's package.
@NullMarked
package dev.fovea.rpc;

import org.jspecify.annotations.NullMarked;
