package dev.fovea.engine.triton;

/// An answer that is not what the protocol, the request or the model's signature allows. Its text
/// is for the log alone.
final class MalformedAnswerException extends RuntimeException {
  private static final long serialVersionUID = 1;

  MalformedAnswerException(String what) {
    super(what);
  }

  MalformedAnswerException(String what, Throwable cause) {
    super(what, cause);
  }
}
