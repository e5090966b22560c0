/// The client commands: thin gRPC clients of a running server.
///
/// Read [dev.fovea.cli.Fovea] first. Knows the generated messages of `fovea.v1` and nothing else of
/// ours.
@NullMarked
package dev.fovea.cli;

import org.jspecify.annotations.NullMarked;
