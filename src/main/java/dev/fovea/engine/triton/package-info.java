/// The bridge: models that run on NVIDIA Triton, or another server of the KServe v2 inference
/// protocol.
///
/// Read [dev.fovea.engine.triton.TritonEngine] first, then [dev.fovea.engine.triton.TritonLease]
/// and [dev.fovea.engine.triton.Meaning]. May import `engine`, `model`, `tensor`, `call`, `failure`
/// and `telemetry`.
@NullMarked
package dev.fovea.engine.triton;

import org.jspecify.annotations.NullMarked;
