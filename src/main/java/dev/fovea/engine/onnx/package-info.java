/// The embedded engine: ONNX Runtime in this process, on platform threads of its own.
///
/// Read [dev.fovea.engine.onnx.OnnxEngine] first. May import `engine`, `model`, `tensor`, `call`,
/// `failure` and `telemetry`.
@NullMarked
package dev.fovea.engine.onnx;

import org.jspecify.annotations.NullMarked;
