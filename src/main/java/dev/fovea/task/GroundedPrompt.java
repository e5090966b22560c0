package dev.fovea.task;

import dev.fovea.generate.Prompt;
import java.util.List;

/// What a decoder begins with, and how the patches that it looks at lie on the images.
///
/// @param prompt what it begins with
/// @param grids one for each image, in order; empty where that is not known
record GroundedPrompt(Prompt prompt, List<GridOnImage> grids) {
  GroundedPrompt {
    grids = List.copyOf(grids);
  }

  int length() {
    return prompt.length();
  }

  /// What there is to be told of where the decoder looked.
  List<GridOnImage> told(TextRequest request) {
    return switch (request.options().relevance()) {
      case LEFT_OUT -> List.of();
      case TOLD -> grids;
    };
  }
}
