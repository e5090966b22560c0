package dev.fovea.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// The reference tokenizers themselves (`tokenizers`, Rust), read from a model's `tokenizer.json`
/// and `tokenizer_config.json`. Works offline; the library's telemetry is switched off before it is
/// loaded.
public final class HuggingFaceTokenizer implements Tokenizer {
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "tokenizer_config.json";

  /// Hugging Face writes 10³⁰ where a tokenizer knows no limit.
  private static final double NO_LIMIT = 1e9;

  private static final ObjectMapper JSON = new ObjectMapper();

  static {
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
  }

  private final ai.djl.huggingface.tokenizers.HuggingFaceTokenizer tokenizer;
  private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();
  private final int maxTokens;
  private final long padId;
  private final String specification;
  private final ObjectNode definition;

  private HuggingFaceTokenizer(
      ai.djl.huggingface.tokenizers.HuggingFaceTokenizer tokenizer,
      int maxTokens,
      long padId,
      String specification,
      ObjectNode definition) {
    this.tokenizer = tokenizer;
    this.definition = definition;
    this.maxTokens = maxTokens;
    this.padId = padId;
    this.specification = specification;
  }

  /// Loads the tokenizers' library, which the first tokenizer would otherwise wait for.
  public static void loadLibrary() {
    LibUtils.checkStatus();
  }

  /// Reads `tokenizer.json` and `tokenizer_config.json`.
  ///
  /// @param assets the folder that holds both
  /// @throws FaultyConfigurationException naming each fault; files in it are relative to `assets`
  public static HuggingFaceTokenizer read(Path assets) {
    ObjectNode definition = readObject(assets, TOKENIZER);
    ObjectNode config = readObject(assets, CONFIG);
    List<Fault> faults = new ArrayList<>();
    int maxTokens = readMaxTokens(config, faults);
    long padId = readPadId(config, definition, faults);
    JsonNode padding = config.path("padding_side");
    if (!padding.isMissingNode() && !padding.asText().equals("right")) {
      faults.add(new Fault(CONFIG, "padding_side", padding.toString(), "\"right\""));
    }
    if (!faults.isEmpty()) {
      throw new FaultyConfigurationException(faults);
    }
    return new HuggingFaceTokenizer(
        open(withoutSpecialTokensInText(definition)),
        maxTokens,
        padId,
        "tokenizer %s max_tokens=%d pad=%d"
            .formatted(digest(assets.resolve(TOKENIZER)), maxTokens, padId),
        definition);
  }

  private static int readMaxTokens(ObjectNode config, List<Fault> faults) {
    JsonNode limit = config.path("model_max_length");
    if (!limit.isNumber() || limit.asDouble() < 1 || limit.asDouble() >= NO_LIMIT) {
      faults.add(
          new Fault(CONFIG, "model_max_length", found(limit), "a number of tokens, 1 or more"));
      return 1;
    }
    return (int) limit.asDouble();
  }

  private static long readPadId(ObjectNode config, ObjectNode definition, List<Fault> faults) {
    JsonNode token = config.path("pad_token");
    String content = token.isObject() ? token.path("content").asText() : token.asText();
    for (JsonNode added : definition.path("added_tokens")) {
      if (added.path("content").asText().equals(content)) {
        return added.path("id").asLong();
      }
    }
    JsonNode id = definition.path("model").path("vocab").path(content);
    if (id.isIntegralNumber()) {
      return id.asLong();
    }
    faults.add(new Fault(CONFIG, "pad_token", found(token), "a token of " + TOKENIZER));
    return 0;
  }

  /// The definition without its special tokens among those that are looked for in text. The
  /// post-processor puts them in by id, so they still stand where the model expects them.
  private static ObjectNode withoutSpecialTokensInText(ObjectNode definition) {
    ObjectNode safe = definition.deepCopy();
    ArrayNode plain = JSON.createArrayNode();
    for (JsonNode added : definition.path("added_tokens")) {
      if (!added.path("special").asBoolean()) {
        plain.add(added);
      }
    }
    safe.set("added_tokens", plain);
    safe.putNull("truncation");
    safe.putNull("padding");
    return safe;
  }

  private static ai.djl.huggingface.tokenizers.HuggingFaceTokenizer open(ObjectNode definition) {
    try {
      return ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(JSON.writeValueAsBytes(definition)),
          Map.of(
              "truncation",
              "DO_NOT_TRUNCATE",
              "padding",
              "DO_NOT_PAD",
              "addSpecialTokens",
              "true"));
    } catch (IOException | RuntimeException e) {
      throw new FaultyConfigurationException(
          new Fault(TOKENIZER, "", String.valueOf(e.getMessage()), "a tokenizer definition"));
    }
  }

  private static ObjectNode readObject(Path assets, String file) {
    Path path = assets.resolve(file);
    if (!Files.isRegularFile(path)) {
      throw new FaultyConfigurationException(new Fault(file, "", "missing", "a file"));
    }
    try {
      if (JSON.readTree(path.toFile()) instanceof ObjectNode object) {
        return object;
      }
      throw new FaultyConfigurationException(new Fault(file, "", "no object", "a JSON object"));
    } catch (IOException e) {
      throw new FaultyConfigurationException(
          new Fault(file, "", String.valueOf(e.getMessage()), "a JSON object"));
    }
  }

  private static String digest(Path file) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new FaultyConfigurationException(
          new Fault(TOKENIZER, "", String.valueOf(e.getMessage()), "a readable file"));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String found(@Nullable JsonNode node) {
    return node == null || node.isMissingNode() ? "missing" : node.toString();
  }

  @Override
  public Encoding encode(String text, Truncation truncation) {
    ai.djl.huggingface.tokenizers.Encoding encoding = encodeWhileOpen(text);
    long[] ids = encoding.getIds();
    if (ids.length <= maxTokens) {
      return new Encoding(ids, false);
    }
    if (truncation == Truncation.ERROR) {
      throw GatewayException.invalid(
              Reason.TEXT_TOO_LONG, "value", ids.length, "at most " + maxTokens + " tokens")
          .with("maxTokens", maxTokens)
          .with("actualTokens", ids.length);
    }
    return new Encoding(cut(ids, encoding.getSpecialTokenMask(), truncation), true);
  }

  @Override
  public long[] pieces(String text) {
    return text.isEmpty() ? new long[0] : tokenizer.encode(text, false, false).getIds();
  }

  @Override
  public Vocabulary vocabulary() {
    return Vocabulary.read(TOKENIZER, definition);
  }

  /// Drops plain tokens from one end until what is left fits; special tokens stay.
  private long[] cut(long[] ids, long[] specialMask, Truncation truncation) {
    int surplus = ids.length - maxTokens;
    boolean fromStart = truncation == Truncation.START;
    boolean[] dropped = new boolean[ids.length];
    for (int i = 0; i < ids.length && surplus > 0; i++) {
      int at = fromStart ? i : ids.length - 1 - i;
      if (specialMask[at] == 0) {
        dropped[at] = true;
        surplus--;
      }
    }
    long[] kept = new long[maxTokens];
    int next = 0;
    for (int i = 0; i < ids.length && next < kept.length; i++) {
      if (!dropped[i]) {
        kept[next++] = ids[i];
      }
    }
    return kept;
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }

  @Override
  public long padId() {
    return padId;
  }

  @Override
  public String specification() {
    return specification;
  }

  /// The library frees its memory under whoever still uses it: an encoding holds up the end.
  private ai.djl.huggingface.tokenizers.Encoding encodeWhileOpen(String text) {
    open.readLock().lock();
    try {
      return tokenizer.encode(text);
    } finally {
      open.readLock().unlock();
    }
  }

  @Override
  public void close() {
    open.writeLock().lock();
    try {
      tokenizer.close();
    } finally {
      open.writeLock().unlock();
    }
  }
}
