/// What every call carries from the wire to the engine: when it must be answered, who asks, how
/// much it matters, and the clock all of that is measured by.
///
/// Read [dev.fovea.call.CallContext] first, then [dev.fovea.call.Deadline]. May import `failure`.
@NullMarked
package dev.fovea.call;

import org.jspecify.annotations.NullMarked;
