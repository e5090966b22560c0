/// Inner loops: arithmetic over arrays, with no notion of what the numbers mean.
///
/// A kernel is an interface, [dev.fovea.kernel.Resampler] for one, with a scalar form that is the
/// oracle and one on the Vector API, chosen once at start. Imports nothing of ours.
@NullMarked
package dev.fovea.kernel;

import org.jspecify.annotations.NullMarked;
