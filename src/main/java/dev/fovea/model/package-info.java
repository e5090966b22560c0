/// The model repository: a folder becomes immutable families of servable models, or a report of
/// everything wrong with it.
///
/// Read [dev.fovea.model.ModelRepository], [dev.fovea.model.ModelFamily] and
/// [dev.fovea.model.ServableModel] first. May import `image`, `text`, `tensor` and `failure`.
@NullMarked
package dev.fovea.model;

import org.jspecify.annotations.NullMarked;
