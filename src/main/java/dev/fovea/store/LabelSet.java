package dev.fovea.store;

import java.time.Instant;
import java.util.List;

/// Labels under a name, as they are kept. Immutable: a change makes another.
///
/// @param name names it and its folder
/// @param labels one at least
/// @param hypothesisTemplates sentences around a prompt; empty for those of the family that is
///   asked
/// @param etag changes with every change
/// @param createTime when it was created
/// @param updateTime when it was changed last
public record LabelSet(
    String name,
    List<Label> labels,
    List<String> hypothesisTemplates,
    String etag,
    Instant createTime,
    Instant updateTime) {
  public LabelSet {
    labels = List.copyOf(labels);
    hypothesisTemplates = List.copyOf(hypothesisTemplates);
  }

  /// One label.
  ///
  /// @param name what it is called in answers
  /// @param prompts ways to say it, one at least
  public record Label(String name, List<String> prompts) {
    public Label {
      prompts = List.copyOf(prompts);
    }
  }
}
