package dev.fovea.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.text.ChatTemplate;
import dev.fovea.text.PromptEncoder;
import dev.fovea.text.Tokenizer;
import dev.fovea.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// How a decoder is talked to: `tokenizer.json`, the `chat_template` of `tokenizer_config.json`,
/// and `generation_config.json`, under the names that Hugging Face models give them. Immutable.
///
/// @param vocabulary what its tokens stand for
/// @param prompts makes its prompts
/// @param endIds the tokens that end a text: `eos_token_id`, one or several
/// @param contextLength tokens of prompt and text together: the parameter `context_length`, else
///   `max_length`
/// @param defaultMaxTokens tokens of a text where the caller says nothing: `max_new_tokens`
/// @param specification everything that a prompt depends on, as text
/// @param maxImages most images of one prompt: the parameter `max_images`, 1 where nothing is said
public record Decoding(
    Vocabulary vocabulary,
    PromptEncoder prompts,
    List<Integer> endIds,
    int contextLength,
    int defaultMaxTokens,
    String specification,
    int maxImages) {
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String GENERATION_CONFIG = "generation_config.json";
  private static final int MAX_CONTEXT = 1 << 20;
  private static final int DEFAULT_MAX_TOKENS = 64;
  private static final ObjectMapper JSON = new ObjectMapper();

  public Decoding {
    endIds = List.copyOf(endIds);
  }

  /// @throws FaultyConfigurationException naming each fault; files in it are relative to `assets`
  static Decoding read(Path assets, Tokenizer tokenizer, Map<String, String> parameters) {
    List<Fault> faults = new ArrayList<>();
    JsonNode template = json(assets, TOKENIZER_CONFIG).path("chat_template");
    if (!template.isTextual()) {
      faults.add(new Fault(TOKENIZER_CONFIG, "chat_template", template.toString(), "a template"));
    }
    JsonNode config = json(assets, GENERATION_CONFIG);
    Vocabulary vocabulary = tokenizer.vocabulary();
    List<Integer> ends = endIds(config.path("eos_token_id"), vocabulary, faults);
    int context =
        parameter(parameters, "context_length", number(config, "max_length", 0, faults), faults);
    if (context < 2) {
      faults.add(
          new Fault(
              GENERATION_CONFIG,
              "max_length",
              String.valueOf(context),
              "2 or more, or the parameter context_length"));
    }
    int maxTokens = number(config, "max_new_tokens", Math.min(DEFAULT_MAX_TOKENS, context), faults);
    int maxImages = parameter(parameters, "max_images", 1, faults);
    if (!faults.isEmpty()) {
      throw new FaultyConfigurationException(faults);
    }
    return new Decoding(
        vocabulary,
        new PromptEncoder(
            ChatTemplate.parse(TOKENIZER_CONFIG, template.asText()), tokenizer, vocabulary),
        ends,
        context,
        maxTokens,
        tokenizer.specification() + "\n" + template.asText(),
        maxImages);
  }

  private static List<Integer> endIds(JsonNode node, Vocabulary vocabulary, List<Fault> faults) {
    TreeSet<Integer> ids = new TreeSet<>();
    for (JsonNode id : node.isArray() ? node : JSON.createArrayNode().add(node)) {
      if (id.isInt() && id.asInt() >= 0 && id.asInt() < vocabulary.size()) {
        ids.add(id.asInt());
      } else {
        faults.add(
            new Fault(
                GENERATION_CONFIG, "eos_token_id", id.toString(), "a token's id, or several"));
      }
    }
    return List.copyOf(ids);
  }

  private static int number(JsonNode config, String key, int otherwise, List<Fault> faults) {
    JsonNode node = config.path(key);
    if (node.isMissingNode() || node.isNull()) {
      return otherwise;
    }
    if (!node.isInt() || node.asInt() < 1 || node.asInt() > MAX_CONTEXT) {
      faults.add(
          new Fault(
              GENERATION_CONFIG, key, node.toString(), "a whole number, 1 to " + MAX_CONTEXT));
      return otherwise;
    }
    return node.asInt();
  }

  private static int parameter(
      Map<String, String> parameters, String key, int otherwise, List<Fault> faults) {
    String value = parameters.get(key);
    if (value == null) {
      return otherwise;
    }
    if (!value.matches("[1-9][0-9]{0,5}")) {
      faults.add(new Fault(ModelConfigFile.NAME, "parameters." + key, value, "1 to 999999"));
      return otherwise;
    }
    return Integer.parseInt(value);
  }

  private static JsonNode json(Path assets, String file) {
    Path path = assets.resolve(file);
    if (!Files.isRegularFile(path)) {
      throw new FaultyConfigurationException(new Fault(file, "", "missing", "a file"));
    }
    try {
      return JSON.readTree(path.toFile());
    } catch (IOException e) {
      throw new FaultyConfigurationException(
          new Fault(file, "", e.getClass().getSimpleName(), "a JSON object"));
    }
  }
}
