package dev.fovea.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.DoublePredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The keys of an image processor's configuration. Each is asked for by the code that honours it;
/// what is wrong with a value, and every key that nobody asked for, becomes a fault, and
/// [#requireFaultless] reports them all. Until then a faulty value reads as its default. A key that
/// is null reads as if it were missing, as in transformers.
final class Settings {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final String FILE = "preprocessor_config.json";
  private static final String PROCESSOR_FILE = "processor_config.json";
  private static final String NESTED = "image_processor";

  private final String file;
  private final String prefix;
  private final JsonNode root;
  private final JsonNode processor;
  private final TreeSet<String> unread = new TreeSet<>();
  private final List<Fault> faults = new ArrayList<>();

  private Settings(String file, String prefix, JsonNode root, JsonNode processor) {
    this.file = file;
    this.prefix = prefix;
    this.root = root;
    this.processor = processor;
    root.fieldNames().forEachRemaining(unread::add);
  }

  /// Reads the configuration where transformers looks for it: the object `image_processor` of
  /// `processor_config.json`, else `preprocessor_config.json`.
  ///
  /// @throws FaultyConfigurationException when the file cannot be read or is not a JSON object
  static Settings read(Path folder) {
    JsonNode processor =
        Files.exists(folder.resolve(PROCESSOR_FILE))
            ? readObject(folder, PROCESSOR_FILE)
            : MissingNode.getInstance();
    JsonNode nested = processor.path(NESTED);
    return nested.isObject()
        ? new Settings(PROCESSOR_FILE, NESTED + ".", nested, processor)
        : new Settings(FILE, "", readObject(folder, FILE), processor);
  }

  private static JsonNode readObject(Path folder, String file) {
    try {
      JsonNode root = JSON.readTree(Files.readString(folder.resolve(file)));
      if (!root.isObject()) {
        throw unreadable(file, root.getNodeType().toString(), "a JSON object");
      }
      return root;
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

  /// The class that the image processor is part of, `CLIPProcessor` for one; empty where nobody
  /// says.
  String processorClass() {
    String own = text("processor_class");
    return own.isEmpty() ? processor.path("processor_class").asText() : own;
  }

  /// A whole number that `processor_config.json` gives for the processor as a whole.
  Optional<Integer> ofProcessor(String key) {
    JsonNode value = processor.path(key);
    return value.isInt() ? Optional.of(value.intValue()) : Optional.empty();
  }

  boolean has(String key) {
    return value(key) != null;
  }

  /// A switch; `absent` where the key is missing.
  boolean flag(String key, boolean absent) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    if (!value.isBoolean()) {
      refuse(key, "true or false");
    }
    return value.asBoolean(absent);
  }

  /// A whole number from `min` to `max`; `absent` where the key is missing.
  int integer(String key, int absent, int min, int max) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    if (isWithin(value, min, max)) {
      return value.intValue();
    }
    refuse(key, "an integer in %d..%d".formatted(min, max));
    return absent;
  }

  private static boolean isWithin(JsonNode value, int min, int max) {
    return value.isIntegralNumber()
        && value.canConvertToInt()
        && value.intValue() >= min
        && value.intValue() <= max;
  }

  /// A finite number above zero; `absent` where the key is missing.
  double positive(String key, double absent) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    if (isNumber(value, number -> number > 0)) {
      return value.doubleValue();
    }
    refuse(key, "a number above 0");
    return absent;
  }

  private static boolean isNumber(JsonNode value, DoublePredicate fits) {
    return value.isNumber()
        && Double.isFinite(value.doubleValue())
        && fits.test(value.doubleValue());
  }

  /// A number for each channel, or one for all; `absent` where the key is missing.
  List<Double> channels(String key, List<Double> absent, DoublePredicate fits) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    List<JsonNode> numbers = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(numbers::add);
    } else {
      IntStream.range(0, absent.size()).forEach(_ -> numbers.add(value));
    }
    if (numbers.size() != absent.size() || !numbers.stream().allMatch(n -> isNumber(n, fits))) {
      refuse(key, "3 numbers, or one for all channels; deviations above 0");
      return absent;
    }
    return numbers.stream().map(JsonNode::doubleValue).toList();
  }

  /// Pairs of a height and a width; `absent` where the key is missing.
  List<Size> sizes(String key, List<Size> absent, int max) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    List<Size> sizes = new ArrayList<>();
    for (JsonNode pair : value) {
      if (isPair(pair, max)) {
        sizes.add(new Size(pair.get(1).intValue(), pair.get(0).intValue()));
      }
    }
    if (!value.isArray() || sizes.isEmpty() || sizes.size() != value.size()) {
      refuse(key, "pairs of a height and a width in 1.." + max);
      return absent;
    }
    return sizes;
  }

  private static boolean isPair(JsonNode value, int max) {
    return value.isArray()
        && value.size() == 2
        && isWithin(value.get(0), 1, max)
        && isWithin(value.get(1), 1, max);
  }

  /// A size under transformers' own names, `absent` where the key is missing. A bare number is read
  /// as `{shortest_edge}` or as `{height, width}`, a pair as the latter.
  ///
  /// @param squares whether a bare number means both sides
  /// @param forms the sets of keys that are understood
  /// @param max the largest value
  Sides size(String key, Sides absent, boolean squares, Collection<Set<String>> forms, int max) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    Map<String, Integer> size = new TreeMap<>();
    if (isWithin(value, 1, max)) {
      size.put(squares ? "height" : "shortest_edge", value.intValue());
      size.put(squares ? "width" : "shortest_edge", value.intValue());
    } else if (isPair(value, max)) {
      size.put("height", value.get(0).intValue());
      size.put("width", value.get(1).intValue());
    } else if (value.isObject()) {
      value.properties().stream()
          .filter(side -> isWithin(side.getValue(), 1, max))
          .forEach(side -> size.put(side.getKey(), side.getValue().intValue()));
    }
    boolean whole = !value.isObject() || size.size() == value.size();
    if (whole && forms.stream().anyMatch(size.keySet()::equals)) {
      return new Sides(size);
    }
    refuse(key, "one of %s, each in 1..%d".formatted(names(forms), max));
    return absent;
  }

  private static List<String> names(Collection<Set<String>> forms) {
    return forms.stream().map(form -> String.join(" and ", new TreeSet<>(form))).toList();
  }

  /// One of the constants of `meanings`, chosen by its key; `absent` where the key is missing.
  <T> T choice(String key, Map<?, T> meanings, T absent) {
    JsonNode value = value(key);
    if (value == null) {
      return absent;
    }
    Object name = value.isIntegralNumber() ? value.intValue() : value.asText();
    T meaning = meanings.get(name);
    if (meaning == null) {
      refuse(key, "one of " + meanings.keySet());
      return absent;
    }
    return meaning;
  }

  /// A switch that must stand where it is: the other way is not built.
  void always(String key, boolean state) {
    JsonNode value = value(key);
    if (value != null && !(value.isBoolean() && value.booleanValue() == state)) {
      refuse(key, String.valueOf(state));
    }
  }

  /// A key that must be null, for what it asks for is not built.
  void never(String key) {
    if (value(key) != null) {
      refuse(key, "null");
    }
  }

  /// Keys whose values make no difference to any tensor.
  void ignore(Collection<String> keys) {
    keys.forEach(unread::remove);
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
    return new Fault(file, prefix + key, value == null ? "nothing" : value.toString(), expected);
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
