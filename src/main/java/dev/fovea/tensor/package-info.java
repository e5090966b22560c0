/// Dense memory with a meaning: a data type, a shape, and the bytes as they lie on the wire.
///
/// Read [dev.fovea.tensor.Tensor] first. May import `failure`.
@NullMarked
package dev.fovea.tensor;

import org.jspecify.annotations.NullMarked;
