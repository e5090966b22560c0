/// One class for each thing that Fovea does, in a straight line from request to answer.
///
/// Start at [dev.fovea.task.EmbedItems]; [dev.fovea.task.ClassifyImages] and
/// [dev.fovea.task.CompareItems] build on it. [dev.fovea.task.FamilyCatalog] says which models
/// answer. May import everything but the engines themselves, the codecs, `rpc`, `app` and `cli`.
@NullMarked
package dev.fovea.task;

import org.jspecify.annotations.NullMarked;
