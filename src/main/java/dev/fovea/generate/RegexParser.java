package dev.fovea.generate;

import dev.fovea.failure.GatewayException;
import dev.fovea.generate.Regular.CodePoints;
import java.util.ArrayList;
import java.util.List;

/// Reads a regular expression: literals, `.`, classes, the usual escapes, groups, alternatives and
/// quantifiers. Whatever makes it more than regular, or is not known, is refused with its place.
final class RegexParser {
  private static final CodePoints DIGIT = CodePoints.of('0', '9');
  private static final CodePoints WORD = CodePoints.of('a', 'z', 'A', 'Z', '0', '9', '_', '_');
  private static final CodePoints BLANK = CodePoints.of('\t', '\r', ' ', ' ');
  private static final CodePoints LINE_END =
      CodePoints.of('\n', '\n', '\r', '\r', 0x85, 0x85, 0x2028, 0x2029);
  private static final int MAX_REPEAT = 1000;
  private static final int MAX_DEPTH = 64;

  private final String field;
  private final String source;
  private int at;
  private int depth;

  private RegexParser(String field, String source) {
    this.field = field;
    this.source = source;
  }

  /// @param field where it stands in the request
  /// @throws GatewayException with `INVALID_FIELD`
  static Regular parse(String field, String source) {
    boolean anchoredEnd = source.endsWith("$") && !source.endsWith("\\$");
    int from = source.startsWith("^") ? 1 : 0;
    int to = anchoredEnd ? source.length() - 1 : source.length();
    RegexParser parser = new RegexParser(field, source.substring(from, Math.max(from, to)));
    Regular parsed = parser.alternatives();
    if (parser.at < parser.source.length()) {
      throw parser.refused("a group that is open before it is closed");
    }
    return parsed;
  }

  private GatewayException refused(String expected) {
    String left = source.substring(Math.min(at, source.length()));
    return GatewayException.invalidField(field, left.isEmpty() ? "its end" : left, expected);
  }

  private Regular alternatives() {
    if (++depth > MAX_DEPTH) {
      throw refused("groups nested at most " + MAX_DEPTH + " deep");
    }
    List<Regular> choices = new ArrayList<>();
    do {
      choices.add(sequence());
    } while (accept('|'));
    depth--;
    return choices.size() == 1 ? choices.getFirst() : new Regular.Union(choices);
  }

  private Regular sequence() {
    List<Regular> parts = new ArrayList<>();
    while (at < source.length() && peek() != '|' && peek() != ')') {
      parts.add(quantified(atom()));
    }
    return parts.size() == 1 ? parts.getFirst() : new Regular.Concatenation(parts);
  }

  private int peek() {
    return source.codePointAt(at);
  }

  private boolean accept(char wanted) {
    boolean there = at < source.length() && source.charAt(at) == wanted;
    at += there ? 1 : 0;
    return there;
  }

  private Regular quantified(Regular atom) {
    if (!isQuantifier()) {
      return atom;
    }
    Regular repeated =
        switch (source.charAt(at)) {
          case '*' -> repeat(atom, 0, -1);
          case '+' -> repeat(atom, 1, -1);
          case '?' -> repeat(atom, 0, 1);
          default -> counted(atom);
        };
    // As few as possible: the same texts match.
    boolean _ = accept('?');
    if (isQuantifier()) {
      throw refused("one quantifier");
    }
    return repeated;
  }

  private boolean isQuantifier() {
    return at < source.length() && "*+?{".indexOf(source.charAt(at)) >= 0;
  }

  private Regular repeat(Regular atom, int least, int most) {
    at++;
    return new Regular.Repeat(atom, least, most);
  }

  private Regular counted(Regular atom) {
    at++;
    int least = count();
    int most = least;
    if (accept(',')) {
      most = at < source.length() && source.charAt(at) != '}' ? count() : -1;
    }
    if (!accept('}') || (most >= 0 && most < least)) {
      throw refused("{m}, {m,} or {m,n} with m at most n");
    }
    return new Regular.Repeat(atom, least, most);
  }

  private int count() {
    int from = at;
    while (at < source.length() && Character.isDigit(source.charAt(at)) && at - from < 5) {
      at++;
    }
    if (from == at || Integer.parseInt(source.substring(from, at)) > MAX_REPEAT) {
      throw refused("a count, 0 to " + MAX_REPEAT);
    }
    return Integer.parseInt(source.substring(from, at));
  }

  private Regular atom() {
    int c = peek();
    switch (c) {
      case '(' -> {
        at++;
        if (accept('?') && !accept(':')) {
          throw refused("a plain group or (?:");
        }
        Regular inner = alternatives();
        if (!accept(')')) {
          throw refused("a )");
        }
        return inner;
      }
      case '[' -> {
        at++;
        return new Regular.OneOf(characters());
      }
      case '.' -> {
        at++;
        return new Regular.OneOf(LINE_END.complement());
      }
      case '\\' -> {
        at++;
        return new Regular.OneOf(escaped());
      }
      case '*', '+', '?', '{' -> throw refused("something before a quantifier");
      case '^', '$' -> throw refused("no anchor but at the ends: the whole text matches anyway");
      default -> {
        at += Character.charCount(c);
        return new Regular.Literal(Character.toString(c));
      }
    }
  }

  private CodePoints characters() {
    boolean negated = accept('^');
    CodePoints set = CodePoints.of();
    boolean first = true;
    while (first || !accept(']')) {
      if (at == source.length()) {
        throw refused("a ]");
      }
      first = false;
      set = set.and(range());
    }
    CodePoints characters = negated ? set.complement() : set;
    if (characters.ranges().isEmpty()) {
      throw refused("a class that some character is in");
    }
    return characters;
  }

  private CodePoints range() {
    if (source.startsWith("[:", at) || source.startsWith("&&", at)) {
      throw refused("no named class and no intersection");
    }
    CodePoints from = member();
    boolean single =
        from.ranges().size() == 1 && from.ranges().getFirst()[0] == from.ranges().getFirst()[1];
    boolean isRange = single && source.startsWith("-", at) && !source.startsWith("-]", at);
    if (!isRange) {
      return from;
    }
    at++;
    if (at == source.length()) {
      throw refused("a ]");
    }
    CodePoints to = member();
    int low = from.ranges().getFirst()[0];
    int high = to.ranges().getLast()[1];
    if (to.ranges().size() != 1 || to.ranges().getFirst()[0] != high || high < low) {
      throw refused("a range from a lower to a higher character");
    }
    return CodePoints.of(low, high);
  }

  private CodePoints member() {
    int c = peek();
    at += Character.charCount(c);
    return c == '\\' ? escaped() : CodePoints.of(c, c);
  }

  private CodePoints escaped() {
    if (at == source.length()) {
      throw refused("a character behind \\");
    }
    int c = peek();
    at += Character.charCount(c);
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> BLANK;
      case 'S' -> BLANK.complement();
      case 'n' -> CodePoints.of('\n', '\n');
      case 'r' -> CodePoints.of('\r', '\r');
      case 't' -> CodePoints.of('\t', '\t');
      case 'f' -> CodePoints.of('\f', '\f');
      case 'x' -> hexadecimal(2);
      case 'u' -> hexadecimal(4);
      default -> {
        if (c > 127 || Character.isLetterOrDigit(c)) {
          at -= Character.charCount(c);
          throw refused("a known escape: no \\b, back-reference or property");
        }
        yield CodePoints.of(c, c);
      }
    };
  }

  private CodePoints hexadecimal(int digits) {
    String code = source.substring(at, Math.min(source.length(), at + digits));
    if (!code.matches("[0-9a-fA-F]{" + digits + "}")) {
      throw refused(digits + " hexadecimal digits");
    }
    at += digits;
    int c = Integer.parseInt(code, 16);
    if (c >= 0xD800 && c <= 0xDFFF) {
      throw refused("no surrogate");
    }
    return CodePoints.of(c, c);
  }
}
