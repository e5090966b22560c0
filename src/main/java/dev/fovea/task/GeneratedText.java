package dev.fovea.task;

import dev.fovea.generate.Delta;
import dev.fovea.generate.Ending;

/// A text that was generated as a whole.
///
/// @param content the text, and its tokens where log-probabilities are wanted
/// @param ending how it ended
/// @param promptTokens tokens of the prompt
public record GeneratedText(Delta content, Ending ending, int promptTokens) {}
