/// Leave to use what is scarce: processors and memory.
///
/// Read [dev.fovea.admission.CpuGate] first. May import `image` (for its budget), `call`, `failure`
/// and `telemetry`.
@NullMarked
package dev.fovea.admission;

import org.jspecify.annotations.NullMarked;
