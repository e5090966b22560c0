/// Dynamic batching: rows of many calls share the executions of a model.
///
/// Read [dev.fovea.batch.BatchingEngine] first, then [dev.fovea.batch.BatchScheduler], which
/// decides and knows neither threads nor clocks. May import `engine`, `model`, `tensor`, `call`,
/// `failure` and `telemetry`.
@NullMarked
package dev.fovea.batch;

import org.jspecify.annotations.NullMarked;
