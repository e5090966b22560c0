package dev.fovea.failure;

import static java.util.Objects.requireNonNull;

/// One field of a request that is not as it must be.
///
/// @param field the path of the field from the request message, in proto spelling:
///   `items[3].image.raw.width`
/// @param description the value found and what was expected, fit for a client's eyes
public record FieldViolation(String field, String description) {
  public FieldViolation {
    requireNonNull(field, "field");
    requireNonNull(description, "description");
  }

  /// The same violation seen from an enclosing message: `image.content` under `items[3]` is
  /// `items[3].image.content`.
  public FieldViolation under(String parent) {
    return new FieldViolation(field.isEmpty() ? parent : parent + "." + field, description);
  }
}
