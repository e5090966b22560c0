/// The program: configuration, wiring, the servers, health, and an orderly end. The only package
/// that knows all others.
///
/// Read [dev.fovea.app.Gateway] first (what is made of what), then [dev.fovea.app.Settings] and
/// [dev.fovea.app.GrpcServer].
@NullMarked
package dev.fovea.app;

import org.jspecify.annotations.NullMarked;
