package dev.fovea.task;

import java.util.List;

/// What was said and shown so far; the last turn is to be answered.
///
/// @param turns by turns the user's and the model's, the user's first and last
public record Conversation(List<Turn> turns) {
  public Conversation {
    turns = List.copyOf(turns);
  }

  /// Who speaks.
  public enum Speaker {
    USER,
    ASSISTANT
  }

  /// One turn.
  ///
  /// @param text what is said
  /// @param images what is shown, in order
  public record Turn(Speaker speaker, String text, List<Content.Image> images) {
    public Turn {
      images = List.copyOf(images);
    }
  }

  /// Every image, in order.
  public List<Content.Image> images() {
    return turns.stream().flatMap(turn -> turn.images().stream()).toList();
  }
}
