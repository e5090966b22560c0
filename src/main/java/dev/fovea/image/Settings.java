package dev.fovea.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The keys of a JSON configuration. Each is asked for by the code that honours it; what is wrong
/// with a value, and every key that nobody asked for, becomes a fault, and [#requireFaultless]
/// reports them all. Until then a faulty value reads as its default.
final class Settings {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final String file;
  private final JsonNode root;
  private final TreeSet<String> unread = new TreeSet<>();
  private final List<Fault> faults = new ArrayList<>();

  private Settings(String file, JsonNode root) {
    this.file = file;
    this.root = root;
    root.fieldNames().forEachRemaining(unread::add);
  }

  /// @throws FaultyConfigurationException when the file cannot be read or is not a JSON object
  static Settings read(Path folder, String file) {
    try {
      JsonNode root = JSON.readTree(Files.readString(folder.resolve(file)));
      if (!root.isObject()) {
        throw unreadable(file, root.getNodeType().toString(), "a JSON object");
      }
      return new Settings(file, root);
    } catch (JsonProcessingException e) {
      throw unreadable(file, e.getOriginalMessage(), "a JSON object");
    } catch (IOException e) {
      throw unreadable(file, e.getClass().getSimpleName(), "a readable file");
    }
  }

  private static FaultyConfigurationException unreadable(
      String file, String value, String expected) {
    return new FaultyConfigurationException(new Fault(file, "", value, expected));
  }

  /// A text; empty where the key is missing or holds something else.
  String text(String key) {
    JsonNode value = value(key);
    return value != null && value.isTextual() ? value.textValue() : "";
  }

  /// A number from `min` to `max`; `absent` where the key is missing.
  int integer(String key, int absent, int min, int max) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    if (value.isIntegralNumber() && value.canConvertToInt()) {
      int number = value.intValue();
      if (number >= min && number <= max) {
        return number;
      }
    }
    refuse(key, "an integer in %d..%d".formatted(min, max));
    return absent;
  }

  /// One of the constants of `meanings`, chosen by its key; required.
  <T> Optional<T> choice(String key, Map<?, T> meanings) {
    JsonNode value = value(key);
    Object name = value == null ? "" : value.isIntegralNumber() ? value.intValue() : value.asText();
    T meaning = meanings.get(name);
    if (meaning == null) {
      refuse(key, "one of " + meanings.keySet());
    }
    return Optional.ofNullable(meaning);
  }

  /// A switch that must stand where it is: the other way is not built.
  void always(String key, boolean state) {
    JsonNode value = value(key);
    if (value != null && !(value.isBoolean() && value.booleanValue() == state)) {
      refuse(key, String.valueOf(state));
    }
  }

  private @Nullable JsonNode value(String key) {
    unread.remove(key);
    JsonNode value = root.get(key);
    return value == null || value.isNull() ? null : value;
  }

  /// Records that the value of `key` is not as it must be.
  void refuse(String key, String expected) {
    faults.add(fault(key, expected));
  }

  /// The refusal of the whole file for the value of one key.
  FaultyConfigurationException refusal(String key, String expected) {
    return new FaultyConfigurationException(fault(key, expected));
  }

  private Fault fault(String key, String expected) {
    JsonNode value = root.get(key);
    return new Fault(file, key, value == null ? "nothing" : value.toString(), expected);
  }

  /// @throws FaultyConfigurationException with every fault found, unknown keys among them
  void requireFaultless() {
    for (String key : unread) {
      refuse(key, "no such key");
    }
    if (!faults.isEmpty()) {
      throw new FaultyConfigurationException(faults);
    }
  }
}
