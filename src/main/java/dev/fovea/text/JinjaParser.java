package dev.fovea.text;

import dev.fovea.text.Jinja.Expression;
import dev.fovea.text.Jinja.Node;
import java.io.Serial;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads a template: first its blocks, with the blanks around them as `trim_blocks` and
/// `lstrip_blocks` have it, then the expressions in them, by precedence.
final class JinjaParser {
  private static final Set<String> FILTERS =
      Set.of(
          "trim", "upper", "lower", "string", "length", "count", "first", "last", "default", "join",
          "replace");
  private static final Set<String> METHODS =
      Set.of("strip", "lstrip", "rstrip", "upper", "lower", "replace", "startswith", "endswith");
  private static final Set<String> TESTS =
      Set.of(
          "defined",
          "undefined",
          "none",
          "string",
          "mapping",
          "iterable",
          "sequence",
          "number",
          "true",
          "false",
          "even",
          "odd");
  private static final Map<String, Integer> ARGUMENTS =
      Map.of("default", 1, "replace", 2, "startswith", 1, "endswith", 1);
  private static final Pattern TAG = Pattern.compile("\\{\\{|\\{%|\\{#");
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s*(?:(?<text>'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\")|(?<number>\\d{1,9})"
              + "|(?<word>[A-Za-z_]\\w*)|(?<sign>==|!=|<=|>=|[-+~%<>=|.,:()\\[\\]]))",
          Pattern.DOTALL);

  private static final int MAX_DEPTH = 64;

  /// Something that is not known here.
  static final class UnknownSyntaxException extends Exception {
    @Serial private static final long serialVersionUID = 1;

    UnknownSyntaxException(String what) {
      super(what, null, false, false);
    }

    @Override
    public String getMessage() {
      return String.valueOf(super.getMessage());
    }
  }

  /// A piece of the source: plain text, or what stands in a block.
  private record Piece(char kind, String content) {}

  private final List<Piece> pieces;
  private int next;
  private int depth;

  private JinjaParser(List<Piece> pieces) {
    this.pieces = pieces;
  }

  static List<Node> parse(String source) throws UnknownSyntaxException {
    JinjaParser parser = new JinjaParser(pieces(source));
    return parser.nodes(Set.of());
  }

  private static List<Piece> pieces(String source) throws UnknownSyntaxException {
    String text = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
    List<Piece> pieces = new ArrayList<>();
    Matcher tag = TAG.matcher(text);
    int from = 0;
    while (tag.find(from)) {
      char kind = tag.group().charAt(1);
      String close = kind == '{' ? "}}" : kind + "}";
      int end = closing(text, tag.end(), close, kind);
      String content = text.substring(tag.end(), end);
      String before = text.substring(from, tag.start());
      if (content.startsWith("-")) {
        before = before.stripTrailing();
      } else if (kind != '{' && !content.startsWith("+")) {
        before = withoutIndent(before, from == 0 || text.charAt(from - 1) == '\n');
      }
      pieces.add(new Piece('t', before));
      from = end + 2;
      if (content.endsWith("-")) {
        while (from < text.length() && Character.isWhitespace(text.charAt(from))) {
          from++;
        }
      } else if (kind != '{' && text.startsWith("\n", from)) {
        from++;
      }
      if (kind != '#') {
        pieces.add(new Piece(kind, content.replaceAll("^[-+]|-$", "")));
      }
    }
    pieces.add(new Piece('t', text.substring(from)));
    return pieces;
  }

  /// The end of a block: the first closing that does not stand in a quoted text.
  private static int closing(String text, int from, String close, char kind)
      throws UnknownSyntaxException {
    char quote = 0;
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      if (kind != '#' && quote != 0) {
        i += c == '\\' ? 1 : 0;
        quote = c == quote ? 0 : quote;
      } else if (kind != '#' && (c == '\'' || c == '"')) {
        quote = c;
      } else if (text.startsWith(close, i)) {
        return i;
      }
    }
    throw new UnknownSyntaxException("a block that does not end");
  }

  private static String withoutIndent(String before, boolean first) {
    int line = before.lastIndexOf('\n');
    boolean blank = before.substring(line + 1).isBlank();
    return blank && (line >= 0 || first) ? before.substring(0, line + 1) : before;
  }

  private List<Node> nodes(Set<String> until) throws UnknownSyntaxException {
    if (++depth > MAX_DEPTH) {
      throw new UnknownSyntaxException("blocks nested more than " + MAX_DEPTH + " deep");
    }
    List<Node> nodes = new ArrayList<>();
    while (next < pieces.size()) {
      Piece piece = pieces.get(next);
      if (piece.kind() == '%' && until.contains(firstWord(piece))) {
        depth--;
        return nodes;
      }
      next++;
      switch (piece.kind()) {
        case 't' -> nodes.add(new Node.Text(piece.content()));
        case '{' -> nodes.add(new Node.Output(new Reader(piece.content()).all()));
        default -> nodes.add(block(piece));
      }
    }
    if (!until.isEmpty()) {
      throw new UnknownSyntaxException("a block without its " + until);
    }
    depth--;
    return nodes;
  }

  private static String firstWord(Piece piece) {
    return piece.content().strip().split("\\W", 2)[0];
  }

  private Node block(Piece piece) throws UnknownSyntaxException {
    Reader reader = new Reader(piece.content());
    String word = reader.word();
    return switch (word) {
      case "if" -> branches(reader);
      case "for" -> {
        String name = reader.word();
        reader.require("in");
        Expression items = reader.all();
        List<Node> body = nodes(Set.of("endfor"));
        next++;
        yield new Node.For(name, items, body);
      }
      case "set" -> {
        String name = reader.word();
        String attribute = reader.accept(".") ? reader.word() : "";
        reader.require("=");
        yield new Node.Assign(name, attribute, reader.all());
      }
      default -> throw new UnknownSyntaxException("{% " + word + " %}");
    };
  }

  private Node branches(Reader condition) throws UnknownSyntaxException {
    List<Node.Branch> branches = new ArrayList<>();
    Expression asked = condition.all();
    while (true) {
      branches.add(new Node.Branch(asked, nodes(Set.of("elif", "else", "endif"))));
      Reader reader = new Reader(pieces.get(next++).content());
      switch (reader.word()) {
        case "elif" -> asked = reader.all();
        case "else" -> asked = new Expression.Literal(true);
        default -> {
          return new Node.If(branches);
        }
      }
    }
  }

  /// The expressions of one block.
  private static final class Reader {
    private final List<String> tokens = new ArrayList<>();
    private int at;
    private int depth;

    Reader(String source) throws UnknownSyntaxException {
      String text = source.strip();
      Matcher token = TOKEN.matcher(text);
      int end = 0;
      while (end < text.length()) {
        if (!token.find(end) || token.start() != end) {
          throw new UnknownSyntaxException(text.substring(end));
        }
        tokens.add(token.group().strip());
        end = token.end();
      }
    }

    Expression all() throws UnknownSyntaxException {
      Expression expression = expression();
      if (at < tokens.size()) {
        throw new UnknownSyntaxException(tokens.get(at));
      }
      return expression;
    }

    private String peek() {
      return at < tokens.size() ? tokens.get(at) : "";
    }

    boolean accept(String token) {
      boolean there = peek().equals(token);
      at += there ? 1 : 0;
      return there;
    }

    void require(String token) throws UnknownSyntaxException {
      if (!accept(token)) {
        throw new UnknownSyntaxException("'" + peek() + "' instead of '" + token + "'");
      }
    }

    String word() throws UnknownSyntaxException {
      if (!peek().matches("[A-Za-z_]\\w*")) {
        throw new UnknownSyntaxException("'" + peek() + "' instead of a name");
      }
      return tokens.get(at++);
    }

    private Expression expression() throws UnknownSyntaxException {
      if (++depth > MAX_DEPTH) {
        throw new UnknownSyntaxException("an expression nested more than " + MAX_DEPTH + " deep");
      }
      Expression value = or();
      if (accept("if")) {
        Expression condition = or();
        Expression otherwise = accept("else") ? expression() : new Expression.Literal("");
        value = new Expression.Choice(condition, value, otherwise);
      }
      depth--;
      return value;
    }

    private Expression or() throws UnknownSyntaxException {
      Expression left = and();
      while (accept("or")) {
        left = new Expression.Binary("or", left, and());
      }
      return left;
    }

    private Expression and() throws UnknownSyntaxException {
      Expression left = not();
      while (accept("and")) {
        left = new Expression.Binary("and", left, not());
      }
      return left;
    }

    private Expression not() throws UnknownSyntaxException {
      return accept("not") ? new Expression.Not(not()) : comparison();
    }

    private Expression comparison() throws UnknownSyntaxException {
      Expression left = sum();
      while (true) {
        String operator = peek();
        if (Set.of("==", "!=", "<", ">", "<=", ">=", "in").contains(operator)) {
          at++;
          left = new Expression.Binary(operator, left, sum());
        } else if (operator.equals("not")) {
          at++;
          require("in");
          left = new Expression.Binary("not in", left, sum());
        } else if (accept("is")) {
          boolean negated = accept("not");
          String test = known("test", word(), TESTS);
          Expression asked = new Expression.Test(test, left);
          left = negated ? new Expression.Not(asked) : asked;
        } else {
          return left;
        }
      }
    }

    private Expression sum() throws UnknownSyntaxException {
      Expression left = unary();
      while (Set.of("+", "-", "~", "%").contains(peek())) {
        left = new Expression.Binary(tokens.get(at++), left, unary());
      }
      return left;
    }

    private Expression unary() throws UnknownSyntaxException {
      if (accept("-")) {
        return new Expression.Negative(unary());
      }
      Expression value = primary();
      while (true) {
        if (accept(".")) {
          String name = word();
          value =
              peek().equals("(")
                  ? apply(known("method", name, METHODS), value)
                  : new Expression.Member(value, new Expression.Literal(name));
        } else if (accept("[")) {
          value = subscript(value);
        } else if (accept("|")) {
          value = apply(known("filter", word(), FILTERS), value);
        } else {
          return value;
        }
      }
    }

    private Expression subscript(Expression of) throws UnknownSyntaxException {
      Optional<Expression> from = Optional.empty();
      if (!peek().equals(":")) {
        from = Optional.of(expression());
      }
      if (accept(":")) {
        Optional<Expression> to = Optional.empty();
        if (!peek().equals("]")) {
          to = Optional.of(expression());
        }
        require("]");
        return new Expression.Part(of, from, to);
      }
      require("]");
      return new Expression.Member(of, from.orElseThrow());
    }

    private static String known(String kind, String name, Set<String> known)
        throws UnknownSyntaxException {
      if (!known.contains(name)) {
        throw new UnknownSyntaxException("the " + kind + " " + name);
      }
      return name;
    }

    private Expression apply(String name, Expression value) throws UnknownSyntaxException {
      List<Expression> arguments = peek().equals("(") ? arguments() : List.of();
      int wanted = ARGUMENTS.getOrDefault(name, 0);
      boolean fits = name.equals("join") ? arguments.size() <= 1 : arguments.size() == wanted;
      if (!fits) {
        throw new UnknownSyntaxException(name + " with " + arguments.size() + " arguments");
      }
      return new Expression.Apply(name, value, arguments);
    }

    private List<Expression> arguments() throws UnknownSyntaxException {
      require("(");
      List<Expression> arguments = new ArrayList<>();
      while (!accept(")")) {
        arguments.add(expression());
        if (!peek().equals(")")) {
          require(",");
        }
      }
      return arguments;
    }

    private Expression primary() throws UnknownSyntaxException {
      String token = peek();
      if (token.isEmpty()) {
        throw new UnknownSyntaxException("an expression that is not there");
      }
      at++;
      char first = token.charAt(0);
      if (first == '\'' || first == '"') {
        return new Expression.Literal(unquoted(token));
      }
      if (Character.isDigit(first)) {
        return new Expression.Literal(Long.parseLong(token));
      }
      return switch (token) {
        case "(" -> {
          Expression inner = expression();
          require(")");
          yield inner;
        }
        case "[" -> {
          List<Expression> items = new ArrayList<>();
          while (!accept("]")) {
            items.add(expression());
            if (!peek().equals("]")) {
              require(",");
            }
          }
          yield new Expression.ListOf(items);
        }
        case "true", "True" -> new Expression.Literal(true);
        case "false", "False" -> new Expression.Literal(false);
        case "none", "None" -> new Expression.Literal(null);
        default -> named(token);
      };
    }

    private Expression named(String token) throws UnknownSyntaxException {
      at--;
      String name = word();
      if (!peek().equals("(")) {
        return new Expression.Name(name);
      }
      if (name.equals("raise_exception")) {
        List<Expression> arguments = arguments();
        if (arguments.size() == 1) {
          return new Expression.Raise(arguments.getFirst());
        }
      } else if (name.equals("namespace")) {
        at++;
        Map<String, Expression> values = new HashMap<>();
        while (!accept(")")) {
          String key = word();
          require("=");
          values.put(key, expression());
          accept(",");
        }
        return new Expression.Namespace(values);
      }
      throw new UnknownSyntaxException("the function " + token);
    }

    private static String unquoted(String token) {
      String inner = token.substring(1, token.length() - 1);
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < inner.length(); i++) {
        char c = inner.charAt(i);
        if (c == '\\' && i + 1 < inner.length()) {
          char escaped = inner.charAt(++i);
          text.append(
              switch (escaped) {
                case 'n' -> '\n';
                case 't' -> '\t';
                case 'r' -> '\r';
                default -> escaped;
              });
        } else {
          text.append(c);
        }
      }
      return text.toString();
    }
  }
}
