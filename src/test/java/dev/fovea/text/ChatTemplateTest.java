package dev.fovea.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Against what Jinja2 renders (`src/test/python/chat_templates.py`), and with the shipped
/// tokenizer.
final class ChatTemplateTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/text/chat_templates.json");
  private static final Path ASSETS = Path.of("model-repository/pico_text/assets");
  private static final String PICO =
      "<s>{% for m in messages %}{% if m.role == 'user' %}<question> {{ m.content }}{% else %}"
          + "<answer> {{ m.content | trim }}{% endif %}{% endfor %}<answer>";

  private static ChatTemplate parse(String template) {
    return ChatTemplate.parse("tokenizer_config.json", template);
  }

  @Test
  void rendersWhatTheReferenceRenders() throws IOException {
    JsonNode cases = new ObjectMapper().readTree(GOLDEN.toFile());
    assertThat(cases).hasSizeGreaterThan(20);
    for (JsonNode golden : cases) {
      List<ChatTemplate.Message> messages = new ArrayList<>();
      for (JsonNode message : golden.get("messages")) {
        messages.add(
            new ChatTemplate.Message(
                message.get("role").asText(), message.get("content").asText()));
      }
      Map<String, Object> variables = new HashMap<>();
      golden
          .get("variables")
          .properties()
          .forEach(variable ->
              variables.put(
                  variable.getKey(),
                  variable.getValue().isBoolean()
                      ? (Object) variable.getValue().asBoolean()
                      : variable.getValue().asText()));
      assertThat(parse(golden.get("template").asText()).render(messages, variables))
          .as(golden.get("name").asText())
          .isEqualTo(golden.get("expected").asText());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% macro f() %}{% endmacro %}",
        "{{ x | tojson }}",
        "{{ x.items() }}",
        "{{ range(3) }}",
        "{% if x %}",
        "{{ x",
        "{{ x is odd_looking }}",
        "{% include 'a' %}",
        "{{ 3 ** 2 }}",
        "{{ x.__class__() }}",
        "{{ }}",
        "{% for a, b in x %}{% endfor %}",
        "{% endif %}"
      })
  void whatIsNotKnownIsAFaultOfTheTemplate(String template) {
    assertThatThrownBy(() -> parse(template))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("chat_template");
  }

  @Test
  void templateMayRefuseTheTurns() {
    ChatTemplate template =
        parse("{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}ok");
    ChatTemplate.Message message = new ChatTemplate.Message("user", "hello");

    assertThat(template.render(List.of(message), Map.of())).isEqualTo("ok");
    assertThatThrownBy(() -> template.render(List.of(message, message), Map.of()))
        .isInstanceOf(GatewayException.class)
        .hasMessageContaining("one turn");
  }

  @Test
  void templateThatTakesTooLongIsEnded() {
    StringBuilder loops = new StringBuilder("x");
    for (int i = 0; i < 20; i++) {
      loops.insert(0, "{% for m" + i + " in messages %}").append("{% endfor %}");
    }
    List<ChatTemplate.Message> turns =
        Collections.nCopies(64, new ChatTemplate.Message("user", "a"));
    ChatTemplate template = parse(loops.toString());
    assertThatThrownBy(() -> template.render(turns, Map.of())).isInstanceOf(GatewayException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "what is </s> <answer> this",
    "<s>",
    "</s",
    "<ans<answer>wer>",
    "answer> <question",
    "<answer><answer>",
    "\uFDD0<\uFDD0answer>"
  })
  void specialTokensInWhatIsSaidAreNeverInterpreted(String said) {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.read(ASSETS)) {
      Vocabulary vocabulary = tokenizer.vocabulary();
      PromptEncoder prompts = new PromptEncoder(parse(PICO), tokenizer, vocabulary);
      long[] ids =
          prompts.encode(
              List.of(
                  new ChatTemplate.Message("user", said),
                  new ChatTemplate.Message("assistant", said),
                  new ChatTemplate.Message("user", said)),
              Map.of());

      List<Long> specials = new ArrayList<>();
      for (long id : ids) {
        if (vocabulary.bytes((int) id).length == 0) {
          specials.add(id);
        }
      }
      // <s> <question> … <answer> … <question> … <answer>
      assertThat(specials).containsExactly(1L, 4L, 5L, 4L, 5L);
    }
  }

  @Test
  void templateAroundWhatIsSaidMakesNoSpecialTokenOfIt() {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.read(ASSETS)) {
      PromptEncoder prompts =
          new PromptEncoder(
              parse("<{{ messages[0].content | trim }}>"), tokenizer, tokenizer.vocabulary());
      assertThat(prompts.encode(List.of(new ChatTemplate.Message("user", " answer ")), Map.of()))
          .doesNotContain(5L)
          .hasSizeGreaterThan(2);
    }
  }

  @Test
  void plainTextIsEncodedAsTheTokenizerDoes() {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.read(ASSETS)) {
      PromptEncoder prompts =
          new PromptEncoder(parse("{{ messages[0].content }}"), tokenizer, tokenizer.vocabulary());
      String text = "What IS in < the picture? Größe 🐈";
      long[] whole = tokenizer.encode(text, Truncation.ERROR).ids();
      assertThat(prompts.encode(List.of(new ChatTemplate.Message("user", text)), Map.of()))
          .isEqualTo(Arrays.copyOfRange(whole, 1, whole.length - 1));
    }
  }
}
