package dev.fovea.cli;

/// A file named on the command line that cannot be sent.
final class UnreadableFileException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnreadableFileException(String message) {
    super(message);
  }
}
