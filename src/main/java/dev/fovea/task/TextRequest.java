package dev.fovea.task;

import dev.fovea.generate.Constraint;
import dev.fovea.generate.GenerationOptions;
import java.util.Optional;

/// How a text is to be generated.
///
/// @param options how tokens are chosen
/// @param rule what the text is held to
public record TextRequest(GenerationOptions options, Optional<Constraint.Rule> rule) {}
