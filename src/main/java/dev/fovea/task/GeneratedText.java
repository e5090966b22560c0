package dev.fovea.task;

import dev.fovea.generate.Delta;
import dev.fovea.generate.Ending;
import java.util.List;

/// A text that was generated as a whole.
///
/// @param content the text, and its tokens where log-probabilities or relevance are wanted
/// @param ending how it ended
/// @param promptTokens tokens of the prompt
/// @param grids how each image's relevance lies on it; empty when that is not wanted
public record GeneratedText(
    Delta content, Ending ending, int promptTokens, List<GridOnImage> grids) {
  public GeneratedText {
    grids = List.copyOf(grids);
  }
}
