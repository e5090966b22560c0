/// An engine whose answers and delays are given by a script: for tests, benchmarks and
/// demonstrations.
///
/// Read [dev.fovea.engine.scripted.ScriptedEngine] first. May import `engine`, `model`, `tensor`,
/// `call` and `failure`.
@NullMarked
package dev.fovea.engine.scripted;

import org.jspecify.annotations.NullMarked;
