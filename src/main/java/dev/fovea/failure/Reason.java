package dev.fovea.failure;

/// Why something was refused: the closed vocabulary that clients program against.
///
/// Each reason has one [Kind]. The names are those of the public enum `fovea.v1.ErrorReason`
/// without its prefix, where each is documented with the metadata it carries; a test holds the two
/// lists together.
public enum Reason {
  INVALID_FIELD(Kind.INVALID),
  TOO_MANY_ITEMS(Kind.INVALID),
  TEXT_TOO_LONG(Kind.INVALID),
  IMAGE_DECODE_FAILED(Kind.INVALID),
  IMAGE_TOO_LARGE(Kind.INVALID),
  IMAGE_DIMENSIONS_EXCEEDED(Kind.INVALID),
  UNSUPPORTED_IMAGE_FORMAT(Kind.INVALID),
  CONSTRAINT_TOO_COMPLEX(Kind.INVALID),

  MODEL_NOT_FOUND(Kind.NOT_FOUND),
  IMAGE_HANDLE_EXPIRED(Kind.NOT_FOUND),
  LABEL_SET_NOT_FOUND(Kind.NOT_FOUND),
  COLLECTION_NOT_FOUND(Kind.NOT_FOUND),
  ITEM_NOT_FOUND(Kind.NOT_FOUND),
  POLICY_NOT_FOUND(Kind.NOT_FOUND),

  LABEL_SET_EXISTS(Kind.EXISTS),
  LABEL_SET_CHANGED(Kind.CONFLICT),

  TASK_NOT_SUPPORTED(Kind.UNSUPPORTED),
  CONSTRAINT_NOT_SUPPORTED(Kind.UNSUPPORTED),
  MODEL_PINNED_MISMATCH(Kind.UNSUPPORTED),

  QUEUE_FULL(Kind.EXHAUSTED),
  RATE_LIMITED(Kind.EXHAUSTED),
  SLOW_CONSUMER(Kind.EXHAUSTED),
  IMAGE_STORE_FULL(Kind.EXHAUSTED),
  LABEL_SET_STORE_FULL(Kind.EXHAUSTED),

  BACKEND_UNAVAILABLE(Kind.UNAVAILABLE),
  SERVER_DRAINING(Kind.UNAVAILABLE),

  DEADLINE_EXCEEDED(Kind.LATE),
  DEADLINE_UNREACHABLE(Kind.LATE),

  CANCELLED(Kind.CANCELLED),

  BACKEND_ERROR(Kind.FAULT),
  INTERNAL_ERROR(Kind.FAULT);

  private final Kind kind;

  Reason(Kind kind) {
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
