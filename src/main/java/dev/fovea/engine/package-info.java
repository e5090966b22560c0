/// Running models: one blocking contract for every engine.
///
/// Read [dev.fovea.engine.Engine] and [dev.fovea.engine.Lease] first, then
/// [dev.fovea.engine.InferRequest]. The engines themselves live in packages of their own. May
/// import `tensor`, `model`, `call`, `failure` and `telemetry`.
@NullMarked
package dev.fovea.engine;

import org.jspecify.annotations.NullMarked;
