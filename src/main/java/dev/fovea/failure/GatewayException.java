package dev.fovea.failure;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A refusal: of a whole request, or of one item of it.
///
/// Everything in it but the cause is meant for the client: the text, the metadata and the
/// violations are our own words and numbers and the client's own values, never the text of a
/// backend, a path or another exception. The cause is for the log alone. Refusals of a kind that a
/// healthy server issues in daily work carry no stack trace.
public final class GatewayException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private static final int QUOTED_LENGTH = 64;

  private final Reason reason;
  private final String text;
  private final transient Map<String, String> metadata;
  private final transient List<FieldViolation> violations;
  private final @Nullable Duration retryAfter;

  private GatewayException(
      Reason reason,
      String text,
      Map<String, String> metadata,
      List<FieldViolation> violations,
      @Nullable Duration retryAfter,
      @Nullable Throwable cause) {
    super(message(text, violations), cause, true, !reason.kind().expected());
    this.reason = reason;
    this.text = requireNonNull(text, "text");
    this.metadata = Map.copyOf(metadata);
    this.violations = List.copyOf(violations);
    this.retryAfter = retryAfter;
  }

  public GatewayException(Reason reason, String text) {
    this(reason, text, Map.of(), List.of(), null, null);
  }

  /// A refusal with what caused it. The cause is logged and never shown to a client.
  public GatewayException(Reason reason, String text, Throwable cause) {
    this(reason, text, Map.of(), List.of(), null, cause);
  }

  /// A field that is wrong by itself: names the field, the value and what was expected.
  public static GatewayException invalidField(
      String field, @Nullable Object value, String expected) {
    return invalid(Reason.INVALID_FIELD, field, value, expected);
  }

  /// As [#invalidField], for the reasons that have a name of their own.
  public static GatewayException invalid(
      Reason reason, String field, @Nullable Object value, String expected) {
    String text = quote(value) + " (expected: " + expected + ")";
    return new GatewayException(
        reason, text, Map.of(), List.of(new FieldViolation(field, text)), null, null);
  }

  /// This refusal with one more number or name for programs to read, under a camelCase key.
  public GatewayException with(String key, Object value) {
    Map<String, String> more = new TreeMap<>(metadata);
    more.put(key, value instanceof String name ? printable(name) : String.valueOf(value));
    return copy(more, violations, retryAfter);
  }

  /// This refusal with the time after which another attempt makes sense.
  public GatewayException retryAfter(Duration delay) {
    return copy(metadata, violations, delay);
  }

  /// This refusal seen from an enclosing message: every field path gains the prefix `parent`. A
  /// refusal of the request's content that names no field names `parent` from then on, so that a
  /// client can tell which part was refused.
  public GatewayException under(String parent) {
    List<FieldViolation> moved = new ArrayList<>();
    for (FieldViolation violation : violations) {
      moved.add(violation.under(parent));
    }
    if (moved.isEmpty() && reason.kind() == Kind.INVALID) {
      moved.add(new FieldViolation(parent, text));
    }
    return copy(metadata, moved, retryAfter);
  }

  /// This refusal where a text or a number stands in the request by itself, at `field`, and not in
  /// a message of its own: whatever was said of a field is said of that one.
  public GatewayException at(String field) {
    List<FieldViolation> moved =
        violations.stream().map(v -> new FieldViolation(field, v.description())).toList();
    return moved.isEmpty() ? under(field) : copy(metadata, moved, retryAfter);
  }

  private GatewayException copy(
      Map<String, String> metadata,
      List<FieldViolation> violations,
      @Nullable Duration retryAfter) {
    GatewayException copy =
        new GatewayException(reason, text, metadata, violations, retryAfter, getCause());
    if (!reason.kind().expected()) {
      copy.setStackTrace(getStackTrace());
    }
    return copy;
  }

  public Reason reason() {
    return reason;
  }

  /// Numbers and names for programs, by camelCase key.
  public Map<String, String> metadata() {
    return metadata;
  }

  /// The fields at fault; empty unless the request's content is to blame.
  public List<FieldViolation> violations() {
    return violations;
  }

  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  @Override
  public String getMessage() {
    return message(text, violations);
  }

  private static String message(String text, List<FieldViolation> violations) {
    return violations.isEmpty() ? text : violations.getFirst().field() + ": " + text;
  }

  /// A client's value as it may stand in a message: text in quotes, cut to 64 characters, what
  /// cannot be printed replaced.
  public static String quote(@Nullable Object value) {
    return value instanceof String string ? '"' + printable(string) + '"' : String.valueOf(value);
  }

  private static String printable(String text) {
    StringBuilder printable = new StringBuilder();
    text.codePoints()
        .limit(QUOTED_LENGTH)
        .forEach(c -> printable.appendCodePoint(isPrintable(c) ? c : '\uFFFD'));
    if (text.codePointCount(0, text.length()) > QUOTED_LENGTH) {
      printable.append('…');
    }
    return printable.toString();
  }

  private static boolean isPrintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
