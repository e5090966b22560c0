/// Where the time of a call goes: stage timings and flight recorder events, from the JDK alone.
///
/// Read [dev.fovea.telemetry.StageTimings] first. May import `call`.
@NullMarked
package dev.fovea.telemetry;

import org.jspecify.annotations.NullMarked;
