package dev.fovea.text;

import java.io.Serial;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The running of a template: what [JinjaParser] has read, over the values of one call. Values are
/// texts, whole numbers, booleans, lists, maps, none (null) and undefined.
final class Jinja {
  /// What a name stands for that nobody has given a value.
  private static final Object UNDEFINED = new Object();

  private final StringBuilder out;
  private int steps;

  Jinja(StringBuilder out, int maxSteps) {
    this.out = out;
    this.steps = maxSteps;
  }

  /// The template says that the conversation is not one for it.
  static final class RaisedException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    RaisedException(String message) {
      super(message, null, false, false);
    }
  }

  /// A piece of a template.
  sealed interface Node {
    record Text(String text) implements Node {}

    record Output(Expression value) implements Node {}

    record If(List<Branch> branches) implements Node {}

    record Branch(Expression condition, List<Node> body) {}

    record For(String name, Expression items, List<Node> body) implements Node {}

    /// @param attribute of a namespace; empty for a plain name
    record Assign(String name, String attribute, Expression value) implements Node {}
  }

  /// Something that has a value.
  sealed interface Expression {
    record Literal(@Nullable Object value) implements Expression {}

    record ListOf(List<Expression> items) implements Expression {}

    record Name(String name) implements Expression {}

    record Member(Expression of, Expression key) implements Expression {}

    record Part(Expression of, Optional<Expression> from, Optional<Expression> to)
        implements Expression {}

    record Not(Expression value) implements Expression {}

    record Negative(Expression value) implements Expression {}

    record Binary(String operator, Expression left, Expression right) implements Expression {}

    record Choice(Expression condition, Expression then, Expression otherwise)
        implements Expression {}

    /// A filter or a method of a text: the same by two names.
    record Apply(String name, Expression value, List<Expression> arguments) implements Expression {}

    record Test(String name, Expression value) implements Expression {}

    record Raise(Expression message) implements Expression {}

    record Namespace(Map<String, Expression> values) implements Expression {}
  }

  /// Names and their values; an inner scope hides, and never changes, the outer one.
  static final class Scope {
    private final Map<String, Object> values;
    private final @Nullable Scope outer;

    Scope(Map<String, Object> values) {
      this(values, null);
    }

    private Scope(Map<String, Object> values, @Nullable Scope outer) {
      this.values = values;
      this.outer = outer;
    }

    private @Nullable Object get(String name) {
      if (values.containsKey(name)) {
        return values.get(name);
      }
      return outer == null ? UNDEFINED : outer.get(name);
    }
  }

  void render(List<Node> nodes, Scope scope) {
    for (Node node : nodes) {
      step();
      switch (node) {
        case Node.Text(String text) -> out.append(text);
        case Node.Output(Expression value) -> out.append(text(evaluate(value, scope)));
        case Node.If(List<Node.Branch> branches) -> {
          for (Node.Branch branch : branches) {
            if (isTrue(evaluate(branch.condition(), scope))) {
              render(branch.body(), scope);
              break;
            }
          }
        }
        case Node.For(String name, Expression items, List<Node> body) ->
            loop(name, list(evaluate(items, scope)), body, scope);
        case Node.Assign(String name, String attribute, Expression value) ->
            assign(name, attribute, evaluate(value, scope), scope);
      }
    }
  }

  private void step() {
    if (--steps < 0) {
      throw new RaisedException("fewer or shorter turns: the template takes too long");
    }
  }

  private void loop(String name, List<?> items, List<Node> body, Scope scope) {
    for (int i = 0; i < items.size(); i++) {
      Map<String, Object> loop = new HashMap<>();
      loop.put("index", (long) i + 1);
      loop.put("index0", (long) i);
      loop.put("first", i == 0);
      loop.put("last", i == items.size() - 1);
      loop.put("length", (long) items.size());
      Map<String, Object> inner = new HashMap<>();
      inner.put(name, items.get(i));
      inner.put("loop", loop);
      render(body, new Scope(inner, scope));
    }
  }

  @SuppressWarnings("unchecked") // namespaces are made here, as maps of values by name
  private static void assign(String name, String attribute, @Nullable Object value, Scope scope) {
    if (attribute.isEmpty()) {
      scope.values.put(name, value);
    } else if (scope.get(name) instanceof HashMap<?, ?> namespace) {
      ((Map<String, Object>) namespace).put(attribute, value);
    } else {
      throw new RaisedException("a namespace named " + name);
    }
  }

  private @Nullable Object evaluate(Expression expression, Scope scope) {
    step();
    return switch (expression) {
      case Expression.Literal(Object value) -> value;
      case Expression.ListOf(List<Expression> items) -> {
        List<Object> values = new ArrayList<>();
        items.forEach(item -> values.add(evaluate(item, scope)));
        yield values;
      }
      case Expression.Name(String name) -> scope.get(name);
      case Expression.Member(Expression of, Expression key) ->
          member(evaluate(of, scope), evaluate(key, scope));
      case Expression.Part(Expression of, Optional<Expression> from, Optional<Expression> to) ->
          part(
              evaluate(of, scope),
              from.map(e -> evaluate(e, scope)).orElse(null),
              to.map(e -> evaluate(e, scope)).orElse(null));
      case Expression.Not(Expression value) -> !isTrue(evaluate(value, scope));
      case Expression.Negative(Expression value) -> -number(evaluate(value, scope));
      case Expression.Binary binary -> binary(binary, scope);
      case Expression.Choice(Expression condition, Expression then, Expression otherwise) ->
          evaluate(isTrue(evaluate(condition, scope)) ? then : otherwise, scope);
      case Expression.Apply(String name, Expression value, List<Expression> arguments) ->
          apply(
              name,
              evaluate(value, scope),
              arguments.stream().map(argument -> text(evaluate(argument, scope))).toList());
      case Expression.Test(String name, Expression value) -> test(name, evaluate(value, scope));
      case Expression.Raise(Expression message) ->
          throw new RaisedException("what the template takes: " + text(evaluate(message, scope)));
      case Expression.Namespace(Map<String, Expression> values) -> {
        Map<String, Object> namespace = new HashMap<>();
        values.forEach((name, value) -> namespace.put(name, evaluate(value, scope)));
        yield namespace;
      }
    };
  }

  private static @Nullable Object member(@Nullable Object of, @Nullable Object key) {
    if (of instanceof Map<?, ?> map && key instanceof String name) {
      return map.containsKey(name) ? map.get(name) : UNDEFINED;
    }
    if (key instanceof Long index && (of instanceof List<?> || of instanceof String)) {
      int size = of instanceof String text ? text.length() : ((List<?>) of).size();
      long place = index < 0 ? index + size : index;
      if (place >= 0 && place < size) {
        return of instanceof String text
            ? String.valueOf(text.charAt((int) place))
            : ((List<?>) of).get((int) place);
      }
    }
    return UNDEFINED;
  }

  private static Object part(@Nullable Object of, @Nullable Object from, @Nullable Object to) {
    int size = of instanceof String text ? text.length() : list(of).size();
    int begin = place(from, 0, size);
    int end = Math.max(begin, place(to, size, size));
    return of instanceof String text
        ? text.substring(begin, end)
        : List.copyOf(list(of).subList(begin, end));
  }

  private static int place(@Nullable Object index, int otherwise, int size) {
    if (index == null) {
      return otherwise;
    }
    long place = number(index);
    return (int) Math.clamp(place < 0 ? place + size : place, 0, size);
  }

  private @Nullable Object binary(Expression.Binary binary, Scope scope) {
    Object left = evaluate(binary.left(), scope);
    switch (binary.operator()) {
      case "and" -> {
        return isTrue(left) ? evaluate(binary.right(), scope) : left;
      }
      case "or" -> {
        return isTrue(left) ? left : evaluate(binary.right(), scope);
      }
      default -> {
        return operate(binary.operator(), left, evaluate(binary.right(), scope));
      }
    }
  }

  private static Object operate(String operator, @Nullable Object left, @Nullable Object right) {
    return switch (operator) {
      case "==" -> equal(left, right);
      case "!=" -> !equal(left, right);
      case "<" -> number(left) < number(right);
      case ">" -> number(left) > number(right);
      case "<=" -> number(left) <= number(right);
      case ">=" -> number(left) >= number(right);
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      case "~" -> text(left) + text(right);
      case "+" ->
          left instanceof Long a && right instanceof Long b
              ? (Object) (a + b)
              : joined(left, right);
      case "-" -> number(left) - number(right);
      case "%" -> Math.floorMod(number(left), Math.max(1, number(right)));
      default -> throw new IllegalStateException(operator);
    };
  }

  private static Object joined(@Nullable Object left, @Nullable Object right) {
    if (left instanceof List<?> a && right instanceof List<?> b) {
      List<Object> both = new ArrayList<>(a);
      both.addAll(b);
      return both;
    }
    return text(left) + text(right);
  }

  private static boolean equal(@Nullable Object left, @Nullable Object right) {
    return left instanceof String a && right instanceof String b
        ? PromptEncoder.unmarked(a).equals(PromptEncoder.unmarked(b))
        : Objects.equals(left, right);
  }

  private static boolean contains(@Nullable Object in, @Nullable Object what) {
    return switch (in) {
      case String text -> PromptEncoder.unmarked(text).contains(PromptEncoder.unmarked(text(what)));
      case List<?> list -> list.stream().anyMatch(item -> equal(item, what));
      case Map<?, ?> map -> map.containsKey(what);
      case null, default -> false;
    };
  }

  private static Object apply(String name, @Nullable Object value, List<String> arguments) {
    return switch (name) {
      case "trim", "strip" -> PromptEncoder.trimmed(text(value), true, true);
      case "lstrip" -> PromptEncoder.trimmed(text(value), true, false);
      case "rstrip" -> PromptEncoder.trimmed(text(value), false, true);
      case "upper" -> text(value).toUpperCase(Locale.ROOT);
      case "lower" -> text(value).toLowerCase(Locale.ROOT);
      case "string" -> text(value);
      case "length", "count" ->
          (long)
              (value instanceof String text
                  ? PromptEncoder.unmarked(text).length()
                  : list(value).size());
      case "first" -> Objects.requireNonNullElse(member(value, 0L), UNDEFINED);
      case "last" -> Objects.requireNonNullElse(member(value, -1L), UNDEFINED);
      case "default" -> value == UNDEFINED || value == null ? arguments.getFirst() : value;
      case "join" ->
          String.join(
              arguments.isEmpty() ? "" : arguments.getFirst(),
              list(value).stream().map(Jinja::text).toList());
      case "replace" -> text(value).replace(arguments.getFirst(), arguments.get(1));
      case "startswith" -> PromptEncoder.unmarked(text(value)).startsWith(arguments.getFirst());
      case "endswith" -> PromptEncoder.unmarked(text(value)).endsWith(arguments.getFirst());
      default -> throw new IllegalStateException(name);
    };
  }

  private static boolean test(String name, @Nullable Object value) {
    return switch (name) {
      case "defined" -> value != UNDEFINED;
      case "undefined" -> value == UNDEFINED;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map<?, ?>;
      case "iterable", "sequence" -> value instanceof List<?> || value instanceof String;
      case "number" -> value instanceof Long;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "even" -> number(value) % 2 == 0;
      case "odd" -> number(value) % 2 != 0;
      default -> throw new IllegalStateException(name);
    };
  }

  private static boolean isTrue(@Nullable Object value) {
    return switch (value) {
      case null -> false;
      case Boolean b -> b;
      case Long number -> number != 0;
      case String text -> !PromptEncoder.unmarked(text).isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> value != UNDEFINED;
    };
  }

  private static List<?> list(@Nullable Object value) {
    return value instanceof List<?> list ? list : List.of();
  }

  private static long number(@Nullable Object value) {
    return switch (value) {
      case Long number -> number;
      case Boolean b -> b ? 1 : 0;
      case null, default -> throw new RaisedException("a number where the template needs one");
    };
  }

  /// As Python prints it.
  private static String text(@Nullable Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean b -> b ? "True" : "False";
      case String text -> text;
      case Long number -> number.toString();
      default -> value == UNDEFINED ? "" : value.toString();
    };
  }
}
