package dev.fovea.task;

import java.util.List;

/// One label and the ways to say it.
///
/// @param name what it is called in the answer
/// @param prompts what is put into the templates; one at least
public record LabelPrompts(String name, List<String> prompts) {
  public LabelPrompts {
    prompts = List.copyOf(prompts);
    if (prompts.isEmpty()) {
      throw new IllegalArgumentException("prompts: none (expected: one at least)");
    }
  }
}
