package dev.fovea.engine;

/// Room in the queue of a model, kept for rows that are still being prepared: who has one will not
/// be refused for want of room or time when the rows come. Taken before anything costly is done, so
/// that what has to be refused is refused for next to nothing.
///
/// The holder closes it, whether the rows came or not.
public interface Place extends AutoCloseable {
  /// No room is kept.
  Place NONE = () -> {};

  @Override
  void close();
}
