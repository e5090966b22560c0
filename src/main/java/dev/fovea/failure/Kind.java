package dev.fovea.failure;

/// What sort of refusal a [Reason] is: what the caller may do about it, in no protocol's terms.
public enum Kind {
  /// The request is wrong and stays wrong: mend it.
  INVALID(true),
  /// The thing that the request names does not exist, or no longer.
  NOT_FOUND(true),
  /// The request is well formed, but what it asks of cannot do it.
  UNSUPPORTED(true),
  /// The thing that the request would make is there already.
  EXISTS(true),
  /// The thing that the request would change has changed meanwhile: read it anew.
  CONFLICT(true),
  /// A bound is reached: back off, then try again.
  EXHAUSTED(true),
  /// Nothing can answer right now: try again, here or elsewhere.
  UNAVAILABLE(true),
  /// The time given is over, or too short.
  LATE(true),
  /// The caller went away.
  CANCELLED(true),
  /// A fault of ours or of the engine behind us: report it.
  FAULT(false);

  private final boolean expected;

  Kind(boolean expected) {
    this.expected = expected;
  }

  /// Whether a healthy server refuses so in daily work. An expected refusal carries no stack trace.
  public boolean expected() {
    return expected;
  }
}
