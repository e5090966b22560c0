/// What is kept so that it need not be sent or worked out again.
///
/// Read [dev.fovea.cache.UploadedImages] for what callers give, [dev.fovea.cache.ResultCache] for
/// what was worked out. May import `call`, `failure` and `telemetry`.
@NullMarked
package dev.fovea.cache;

import org.jspecify.annotations.NullMarked;
