/// Inner loops: arithmetic over arrays, with no notion of what the numbers mean.
///
/// Imports nothing of ours.
@NullMarked
package dev.fovea.kernel;

import org.jspecify.annotations.NullMarked;
