package dev.fovea.failure;

import static java.util.Objects.requireNonNull;

/// One thing wrong with a configuration file: for the operator who starts the server, never for a
/// client.
///
/// @param file the file, relative to the folder that was read
/// @param field the path of the field in it; empty when the file as a whole is at fault
/// @param value what was found
/// @param expected what must stand there
public record Fault(String file, String field, String value, String expected) {
  public Fault {
    requireNonNull(file, "file");
    requireNonNull(field, "field");
    requireNonNull(value, "value");
    requireNonNull(expected, "expected");
  }

  @Override
  public String toString() {
    return file
        + (field.isEmpty() ? "" : ": " + field)
        + ": "
        + value
        + " (expected: "
        + expected
        + ")";
  }
}
