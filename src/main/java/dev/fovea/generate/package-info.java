/// Text, token by token: what is asked for, how the next token is chosen, and what the text is held
/// to.
///
/// Read [dev.fovea.generate.Generator] first, then [dev.fovea.generate.Sampler] and
/// [dev.fovea.generate.Constraint]. May import `engine`, `model`, `text`, `tensor`, `call`,
/// `failure` and `telemetry`.
@NullMarked
package dev.fovea.generate;

import org.jspecify.annotations.NullMarked;
