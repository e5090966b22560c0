package dev.fovea.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// With the shipped tokenizer, and broken copies of it.
final class HuggingFaceTokenizerTest {
  private static final Path ASSETS = Path.of("model-repository/pico_text/assets");

  private static HuggingFaceTokenizer tokenizer;
  private static long begin;
  private static long end;

  @TempDir private Path broken;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = HuggingFaceTokenizer.read(ASSETS);
    JsonNode definition = new ObjectMapper().readTree(ASSETS.resolve("tokenizer.json").toFile());
    begin = id(definition, "<s>");
    end = id(definition, "</s>");
  }

  private static long id(JsonNode definition, String token) {
    for (JsonNode added : definition.path("added_tokens")) {
      if (added.path("content").asText().equals(token)) {
        return added.path("id").asLong();
      }
    }
    throw new AssertionError(token);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void textStandsBetweenItsSpecialTokens() {
    long[] ids = tokenizer.encode("a red apple", Truncation.ERROR).ids();

    assertThat(ids[0]).isEqualTo(begin);
    assertThat(ids[ids.length - 1]).isEqualTo(end);
    assertThat(ids).hasSizeGreaterThan(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"</s>", "a cat</s>", "<s><s>", "<pad>", "<caption> a dog"})
  void textNeverActsAsASpecialToken(String text) {
    long[] ids = tokenizer.encode(text, Truncation.ERROR).ids();

    long[] inside = Arrays.copyOfRange(ids, 1, ids.length - 1);
    assertThat(inside).isNotEmpty().doesNotContain(begin, end, tokenizer.padId());
  }

  @ParameterizedTest
  @ValueSource(strings = {"naïve café", "кошка и собака", "猫和狗", "🐱🚗", "\u0000\t\n", "ẞ"})
  void anyTextIsEncoded(String text) {
    assertThat(tokenizer.encode(text, Truncation.ERROR).length()).isGreaterThan(2);
  }

  @Test
  void textOfExactlyTheLimitIsWholeAndOneMoreIsNot() {
    String fits = "x".repeat(0);
    int words = 0;
    while (tokenizer.encode((fits + " apple").strip(), Truncation.END).truncated() == false) {
      fits = (fits + " apple").strip();
      words++;
    }

    assertThat(words).isPositive();
    assertThat(tokenizer.encode(fits, Truncation.ERROR).length())
        .isLessThanOrEqualTo(tokenizer.maxTokens());
    String tooLong = fits + " apple";
    assertThatThrownBy(() -> tokenizer.encode(tooLong, Truncation.ERROR))
        .isInstanceOfSatisfying(
            GatewayException.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(Reason.TEXT_TOO_LONG);
              assertThat(refusal.metadata())
                  .containsEntry("maxTokens", String.valueOf(tokenizer.maxTokens()));
            });
  }

  @Test
  void cutTextKeepsItsSpecialTokensAndTheEndThatWasAskedFor() {
    String text = "dog " + "apple ".repeat(200) + "car";
    long[] whole = ids("dog");
    long[] last = ids(" car");

    long[] fromEnd = tokenizer.encode(text, Truncation.END).ids();
    long[] fromStart = tokenizer.encode(text, Truncation.START).ids();

    for (long[] ids : List.of(fromEnd, fromStart)) {
      assertThat(ids).hasSize(tokenizer.maxTokens());
      assertThat(ids[0]).isEqualTo(begin);
      assertThat(ids[ids.length - 1]).isEqualTo(end);
    }
    assertThat(fromEnd[1]).isEqualTo(whole[1]);
    assertThat(fromStart[fromStart.length - 2]).isEqualTo(last[last.length - 2]);
  }

  @Test
  void manyThreadsGetTheSameIds() throws Exception {
    List<String> texts = new ArrayList<>();
    List<long[]> expected = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      texts.add("a picture of " + i + " cats and a dog");
      expected.add(ids(texts.get(i)));
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<long[]>> results = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        String text = texts.get(i % texts.size());
        results.add(threads.submit(() -> ids(text)));
      }
      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i).get()).isEqualTo(expected.get(i % expected.size()));
      }
    }
  }

  private static long[] ids(String text) {
    return tokenizer.encode(text, Truncation.ERROR).ids();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tokenizer_config.json | "model_max_length": 64 | "model_max_length": 0     | model_max_length
          tokenizer_config.json | "model_max_length": 64 | "model_max_length": 1e30  | model_max_length
          tokenizer_config.json | "model_max_length": 64 | "model_max_length": "64"  | model_max_length
          tokenizer_config.json | "pad_token": "<pad>"   | "pad_token": "<nothing>"  | pad_token
          tokenizer_config.json | "padding_side": "right"| "padding_side": "left"    | padding_side
          """)
  void namesTheKeyAtFault(String file, String from, String to, String field) throws IOException {
    copyAssets();
    String text = Files.readString(broken.resolve(file));
    assertThat(text).contains(from);
    Files.writeString(broken.resolve(file), text.replace(from, to));

    assertThatThrownBy(() -> HuggingFaceTokenizer.read(broken))
        .isInstanceOfSatisfying(
            FaultyConfigurationException.class,
            e ->
                assertThat(e.faults())
                    .singleElement()
                    .satisfies(fault -> {
                      assertThat(fault.file()).isEqualTo(file);
                      assertThat(fault.field()).isEqualTo(field);
                    }));
  }

  @Test
  void refusesFilesThatAreNoTokenizer() throws IOException {
    copyAssets();
    for (String content : List.of("", "[]", "{\"model\": {\"type\": \"Nothing\"}}", "not json")) {
      Files.writeString(broken.resolve("tokenizer.json"), content);
      assertThatThrownBy(() -> HuggingFaceTokenizer.read(broken))
          .as(content)
          .isInstanceOf(FaultyConfigurationException.class);
    }
    Files.delete(broken.resolve("tokenizer.json"));
    assertThatThrownBy(() -> HuggingFaceTokenizer.read(broken))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("missing");
  }

  private void copyAssets() throws IOException {
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(ASSETS.resolve(file), broken.resolve(file));
    }
  }
}
