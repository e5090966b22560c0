package dev.fovea.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.Constraint.Rule;
import dev.fovea.generate.GenerationOptions.Sampling;
import dev.fovea.text.HuggingFaceTokenizer;
import dev.fovea.text.Vocabulary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What texts are held to, with the shipped vocabulary and logits that know nothing.
final class ConstraintTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Vocabulary VOCABULARY = vocabulary();
  private static final int END = 2;

  private static final float[][] LOGITS = logits();

  /// Endings are rare among so many tokens: without a push, texts would hardly end.
  private static float[][] logits() {
    Random random = new Random(1);
    float[][] logits = new float[32][VOCABULARY.size()];
    for (float[] some : logits) {
      for (int id = 0; id < some.length; id++) {
        some[id] = random.nextFloat() * 20;
      }
      some[END] = 300;
    }
    return logits;
  }

  private static Vocabulary vocabulary() {
    try (var tokenizer = HuggingFaceTokenizer.read(Path.of("model-repository/pico_text/assets"))) {
      return tokenizer.vocabulary();
    }
  }

  /// What comes of a constraint when tokens are drawn blindly.
  ///
  /// @param text all of it
  /// @param finished whether it ended by itself
  private record Drawn(String text, boolean finished) {}

  private static Drawn draw(Constraint constraint, long seed, int maxTokens) {
    Random random = new Random(seed);
    Sampler sampler = new Sampler(new Sampling(50, 0, 1, 0, 1, seed));
    Detokenizer detokenizer = new Detokenizer(VOCABULARY);
    StringBuilder text = new StringBuilder();
    int state = Constraint.START;
    for (int i = 0; i < maxTokens; i++) {
      BitSet allowed = (BitSet) constraint.allowed(state).clone();
      allowed.set(END, constraint.accepts(state));
      assertThat(allowed.isEmpty()).as(text.toString()).isFalse();
      int token = sampler.next(LOGITS[random.nextInt(LOGITS.length)], allowed);
      if (token == END) {
        return new Drawn(text.toString(), true);
      }
      state = constraint.next(state, token);
      text.append(detokenizer.add(token));
      if (constraint.isOver(state)) {
        return new Drawn(text.toString(), true);
      }
    }
    return new Drawn(text.toString(), false);
  }

  /// Every finished text keeps the rule; every text that was cut can be brought to an end.
  private static void judge(Rule rule, int trials, Predicate<String> keeps) {
    Constraint constraint = Constraint.compile(rule, VOCABULARY);
    int finished = 0;
    for (int trial = 0; trial < trials; trial++) {
      Drawn drawn = draw(constraint, trial, 12);
      if (drawn.finished()) {
        finished++;
        assertThat(keeps.test(drawn.text())).as(rule + ": " + drawn.text()).isTrue();
      }
    }
    assertThat(finished).as(rule.toString()).isGreaterThan(trials / 20);
  }

  @Test
  void choicesAreKeptInTenThousandTrials() {
    List<String> choices = List.of("yes", "no", "not at all", "Ωmega 🐈", " leading", "no\nline");
    judge(new Rule.Choices(choices), 10_000, choices::contains);
  }

  @Test
  void regularExpressionsAreKeptInTenThousandTrials() {
    for (String regex :
        List.of(
            "[0-9]{1,3}( (red|blue) cats?)?",
            "(a|b)*abb",
            ".{0,6}",
            "[^a-y]+?",
            "\\w{1,3}@\\w{1,2}\\.(com|org)",
            "(?:[A-Z][a-zé-ü]{0,4} ?){1,3}!",
            "x{2,}|\\u00e9\\s?\\D",
            "[\\]\\-a&&]?c[🐈🐉]")) {
      if (regex.contains("&&")) {
        assertThatThrownBy(() -> Constraint.compile(new Rule.Regex(regex), VOCABULARY))
            .isInstanceOf(GatewayException.class);
        continue;
      }
      Pattern pattern = Pattern.compile(regex);
      judge(new Rule.Regex(regex), 1_500, text -> pattern.matcher(text).matches());
    }
  }

  @Test
  void schemasAreKeptInTenThousandTrials() {
    judge(
        schema(
            "{'type':'object','properties':{'n':{'type':'integer'},'ok':{'type':'boolean'},"
                + "'s':{'enum':['a','b\\\"c',3,null]}},'required':['ok']}"),
        2_000,
        text -> {
          JsonNode json = read(text);
          return json.path("ok").isBoolean()
              && (!json.has("n") || json.get("n").isIntegralNumber())
              && json.size() <= 3
              && (!json.has("s")
                  || List.of("\"a\"", "\"b\\\"c\"", "3", "null")
                      .contains(json.get("s").toString()));
        });
    judge(
        schema("{'type':'array','items':{'type':'number'},'minItems':1,'maxItems':3}"),
        2_000,
        text -> {
          JsonNode json = read(text);
          return json.isArray() && json.size() >= 1 && json.size() <= 3 && json.get(0).isNumber();
        });
    judge(
        schema("{'type':'string','minLength':1,'maxLength':4}"),
        2_000,
        text -> {
          String value = read(text).asText();
          int length = value.codePointCount(0, value.length());
          return length >= 1 && length <= 4;
        });
    judge(
        schema("{'type':'string','pattern':'^[a-c\\\"]{1,3}$'}"),
        2_000,
        text -> read(text).asText().matches("[a-c\"]{1,3}"));
    judge(
        schema(
            "{'anyOf':[{'type':'null'},{'type':'object'},{'const':{'a':[1]}},"
                + "{'type':['boolean','integer']}]}"),
        2_000,
        text -> {
          JsonNode json = read(text);
          return json.isNull() || json.isBoolean() || json.isIntegralNumber() || json.isObject();
        });
  }

  private static Rule schema(String text) {
    return new Rule.JsonSchema(text.replace('\'', '"'));
  }

  private static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new AssertionError(json, e);
    }
  }

  @Test
  void automatonAgreesWithTheReferenceOnEveryShortText() {
    for (String regex :
        List.of("(a|b)*abb", "a?b+|c{2,3}", "[^a]*", "(ab|a)(bc|c)?", "", "(a*)*b", "a{0}b{0,2}")) {
      Automaton automaton = Automaton.of(RegexParser.parse("regex", regex));
      Pattern pattern = Pattern.compile(regex);
      for (int length = 0; length <= 6; length++) {
        int size = length;
        IntStream.range(0, (int) Math.pow(3, length))
            .forEach(number -> {
              StringBuilder text = new StringBuilder();
              for (int i = 0, rest = number; i < size; i++, rest /= 3) {
                text.append((char) ('a' + rest % 3));
              }
              int state = automaton.next(0, text.toString().getBytes(StandardCharsets.UTF_8));
              assertThat(automaton.accepts(state))
                  .as("%s on %s", regex, text)
                  .isEqualTo(pattern.matcher(text).matches());
            });
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a|b)*a(a|b){20}",
        "((a{1,1000}){1,1000}){1,1000}",
        ".*.*.*a.{500}b.{500}",
        "(x+x+)+y{1000}z{1000}w{1000}v{1000}u{1000}"
      })
  void catastrophicStructureIsRefusedByItsSize(String regex) {
    assertThatThrownBy(() -> Constraint.compile(new Rule.Regex(regex), VOCABULARY))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(Reason.CONSTRAINT_TOO_COMPLEX));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        ")",
        "a)",
        "[",
        "[]",
        "[z-a]",
        "*a",
        "a**",
        "a{3,1}",
        "a{",
        "a{99999}",
        "\\b",
        "\\1",
        "(?=a)",
        "(?<n>a)",
        "a^b",
        "\\p{L}",
        "\\",
        "\\ud800",
        "\\x1"
      })
  void whatIsNotRegularIsRefusedByItsField(String regex) {
    assertThatThrownBy(() -> Constraint.compile(new Rule.Regex(regex), VOCABULARY))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
              assertThat(refusal.violations().getFirst().field()).isEqualTo("constraint.regex");
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "3",
        "{'type':'thing'}",
        "{'minimum':3}",
        "{'$ref':'#'}",
        "{'enum':[]}",
        "{'type':'object','required':['a']}",
        "{'type':'array','minItems':3,'maxItems':2}",
        "{'enum':[1],'type':'string'}",
        "{'type':'string','pattern':'('}",
        "{'a':1,'a':2}",
        "{} {}",
        "{'type':'string','pattern':'a','minLength':3}",
        "{'oneOf':[{}]}",
        "false"
      })
  void schemaThatIsNotKnownIsRefusedByItsField(String schema) {
    assertThatThrownBy(() -> Constraint.compile(schema(schema), VOCABULARY))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
              assertThat(refusal.violations().getFirst().field())
                  .isEqualTo("constraint.json_schema");
            });
  }

  @Test
  void nestedSchemasAreRefusedBeforeTheyNestTooDeep() {
    String deep = "{\"items\":".repeat(1_000) + "{}" + "}".repeat(1_000);
    assertThatThrownBy(() -> Constraint.compile(new Rule.JsonSchema(deep), VOCABULARY))
        .isInstanceOf(GatewayException.class);
  }
}
