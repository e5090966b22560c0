/// Small durable state: what callers have the server keep beyond its own life.
///
/// Read [dev.fovea.store.LabelSets] first. May import `call` and `failure`.
@NullMarked
package dev.fovea.store;

import org.jspecify.annotations.NullMarked;
