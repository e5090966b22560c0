package dev.fovea.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What each token of a byte-level tokenizer stands for: its bytes, which need not be whole
/// characters. Immutable.
public final class Vocabulary {
  /// Most tokens that are read: larger vocabularies are no tokenizer's.
  private static final int MAX_SIZE = 1 << 20;

  private final byte[][] bytes;
  private final Map<String, Integer> special;
  private final boolean prefixSpace;

  /// @param bytes of each token by its id; none for special tokens and ids without a token
  /// @param special the special tokens, by what they are written as
  /// @param prefixSpace whether the tokenizer puts a blank before a text's first word
  public Vocabulary(byte[][] bytes, Map<String, Integer> special, boolean prefixSpace) {
    this.bytes = bytes.clone();
    this.special = Collections.unmodifiableMap(new TreeMap<>(special));
    this.prefixSpace = prefixSpace;
  }

  /// Reads `tokenizer.json`.
  ///
  /// @throws FaultyConfigurationException when its tokens are not made of bytes as GPT-2's are
  static Vocabulary read(String file, JsonNode definition) {
    if (!definition.path("decoder").path("type").asText().equals("ByteLevel")) {
      throw new FaultyConfigurationException(
          new Fault(
              file,
              "decoder.type",
              definition.path("decoder").path("type").toString(),
              "\"ByteLevel\": other tokenizers cannot generate text here"));
    }
    Map<String, Integer> special = new HashMap<>();
    Map<Integer, byte[]> bytes = new HashMap<>();
    int[] byteOf = alphabet();
    definition
        .path("model")
        .path("vocab")
        .properties()
        .forEach(token -> bytes.put(token.getValue().asInt(), decode(token.getKey(), byteOf)));
    for (JsonNode added : definition.path("added_tokens")) {
      String content = added.path("content").asText();
      boolean isSpecial = added.path("special").asBoolean();
      int id = added.path("id").asInt();
      bytes.put(id, isSpecial ? new byte[0] : content.getBytes(StandardCharsets.UTF_8));
      if (isSpecial) {
        special.put(content, id);
      }
    }
    int size = bytes.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
    if (size < 1 || size > MAX_SIZE || bytes.keySet().stream().anyMatch(id -> id < 0)) {
      throw new FaultyConfigurationException(
          new Fault(file, "model.vocab", size + " tokens", "1 to " + MAX_SIZE));
    }
    byte[][] byId = new byte[size][0];
    bytes.forEach((id, content) -> byId[id] = content);
    return new Vocabulary(byId, special, prefixSpace(definition.path("pre_tokenizer")));
  }

  private static boolean prefixSpace(JsonNode preTokenizer) {
    if (preTokenizer.path("add_prefix_space").asBoolean()) {
      return true;
    }
    for (JsonNode part : preTokenizer.path("pretokenizers")) {
      if (prefixSpace(part)) {
        return true;
      }
    }
    return false;
  }

  /// The characters that bytes are written as: those that print stand for themselves, the others
  /// for those from 256 on (`bytes_to_unicode` of GPT-2).
  private static int[] alphabet() {
    int[] byteOf = new int[512];
    Arrays.fill(byteOf, -1);
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean prints = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      byteOf[prints ? b : next++] = b;
    }
    return byteOf;
  }

  private static byte[] decode(String token, int[] byteOf) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= byteOf.length || byteOf[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) byteOf[c];
    }
    return bytes;
  }

  /// Ids that there are.
  public int size() {
    return bytes.length;
  }

  /// What a token stands for; nothing for a special one. Readers must not write.
  public byte[] bytes(int id) {
    return id >= 0 && id < bytes.length ? bytes[id] : new byte[0];
  }

  /// The special tokens by what they are written as.
  public Map<String, Integer> special() {
    return special;
  }

  /// Whether the tokenizer puts a blank before a text's first word, so that the first word of a
  /// text that is generated has one too.
  public boolean prefixSpace() {
    return prefixSpace;
  }

  /// The special tokens, the longest first: where one is the beginning of another, the longer one
  /// is meant.
  List<String> specialByLength() {
    List<String> tokens = new ArrayList<>(special.keySet());
    tokens.sort((a, b) -> Integer.compare(b.length(), a.length()));
    return tokens;
  }
}
