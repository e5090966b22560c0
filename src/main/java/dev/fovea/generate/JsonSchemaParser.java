package dev.fovea.generate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.fovea.failure.GatewayException;
import dev.fovea.generate.Regular.CodePoints;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/// Reads the usual part of JSON Schema into the texts that it allows: compact JSON, a blank after
/// `:` and `,` or none, properties in the order in which the schema has them. All of them are
/// instances of the schema; not all instances are among them, for there is no need to be able to
/// write one in every way.
///
/// A word that would restrict an instance further and is not known here is refused.
final class JsonSchemaParser {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();
  private static final int MAX_DEPTH = 32;
  private static final int MAX_COUNT = 1000;

  /// Words that restrict nothing, or nothing of what is written here.
  private static final Set<String> NOTES =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "additionalProperties");

  private static final Set<String> WORDS =
      Set.of(
          "type",
          "properties",
          "required",
          "items",
          "minItems",
          "maxItems",
          "enum",
          "const",
          "minLength",
          "maxLength",
          "pattern",
          "anyOf");

  private static final CodePoints CONTROL = CodePoints.of(0, 0x1F);
  private static final CodePoints PLAIN =
      CodePoints.ALL.without(CONTROL.and(CodePoints.of('"', '"', '\\', '\\')));
  private static final Regular CHARACTER =
      Regular.any(
          new Regular.OneOf(PLAIN),
          regex("\\\\[\"\\\\/bfnrt]"),
          regex("\\\\u([0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})"));
  private static final Regular INTEGER = regex("-?(0|[1-9][0-9]{0,14})");
  private static final Regular NUMBER =
      regex("-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?");
  private static final Regular COMMA = Regular.all(Regular.text(","), blank());
  private static final Regular COLON = Regular.all(Regular.text(":"), blank());

  private final String field;
  private int depth;

  private JsonSchemaParser(String field) {
    this.field = field;
  }

  private static Regular regex(String source) {
    return RegexParser.parse("", source);
  }

  private static Regular blank() {
    return Regular.optional(Regular.text(" "));
  }

  /// @param field where it stands in the request
  /// @throws GatewayException with `INVALID_FIELD`
  static Regular parse(String field, String source) {
    try {
      return new JsonSchemaParser(field).schema("", JSON.readTree(source));
    } catch (JsonProcessingException _) {
      throw GatewayException.invalidField(field, source, "a JSON Schema, as JSON");
    }
  }

  private GatewayException refused(String path, Object found, String expected) {
    String where = path.isEmpty() ? "" : " at " + path;
    return GatewayException.invalidField(field, String.valueOf(found), expected + where);
  }

  private Regular schema(String path, JsonNode schema) {
    if (++depth > MAX_DEPTH) {
      throw refused(path, depth, "schemas nested at most " + MAX_DEPTH + " deep");
    }
    Regular language = nested(path, schema);
    depth--;
    return language;
  }

  private Regular nested(String path, JsonNode schema) {
    if (schema.isBoolean() && schema.asBoolean()) {
      return scalar();
    }
    if (!schema.isObject()) {
      throw refused(path, schema, "an object");
    }
    for (Map.Entry<String, JsonNode> word : schema.properties()) {
      if (!WORDS.contains(word.getKey()) && !NOTES.contains(word.getKey())) {
        throw refused(path, word.getKey(), "one of " + WORDS.stream().sorted().toList());
      }
    }
    if (schema.has("const")) {
      return only(path, schema, "const", Regular.text(schema.get("const").toString()));
    }
    if (schema.has("enum")) {
      return only(
          path, schema, "enum", union(path, "enum", schema, node -> Regular.text(node.toString())));
    }
    if (schema.has("anyOf")) {
      return only(
          path,
          schema,
          "anyOf",
          union(path, "anyOf", schema, node -> schema(path + "/anyOf", node)));
    }
    JsonNode type = schema.path("type");
    if (type.isArray()) {
      return union(path, "type", schema, node -> typed(path, node.asText(), schema));
    }
    return typed(path, type.isMissingNode() ? guessed(schema) : type.asText(), schema);
  }

  /// `enum`, `const` and `anyOf` stand alone: with others beside them they would have to be
  /// intersected. A `type` beside `enum` and `const` is what people write and restricts nothing
  /// that they meant.
  private Regular only(String path, JsonNode schema, String word, Regular language) {
    for (Map.Entry<String, JsonNode> other : schema.properties()) {
      boolean harmless =
          NOTES.contains(other.getKey())
              || other.getKey().equals(word)
              || (other.getKey().equals("type") && agrees(schema, word, other.getValue()));
      if (!harmless) {
        throw refused(path, other.getKey(), "no such word beside " + word);
      }
    }
    return language;
  }

  private static boolean agrees(JsonNode schema, String word, JsonNode type) {
    if (word.equals("const")) {
      return isOf(schema.get("const"), type.asText());
    }
    if (!word.equals("enum")) {
      return false;
    }
    for (JsonNode value : schema.get("enum")) {
      if (!isOf(value, type.asText())) {
        return false;
      }
    }
    return true;
  }

  private static boolean isOf(JsonNode value, String type) {
    return switch (type) {
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      case "array" -> value.isArray();
      case "object" -> value.isObject();
      default -> false;
    };
  }

  private Regular union(
      String path, String word, JsonNode schema, Function<JsonNode, Regular> reading) {
    JsonNode list = schema.get(word);
    if (!list.isArray() || list.isEmpty()) {
      throw refused(path, list, "a list of one or more as " + word);
    }
    List<Regular> choices = new ArrayList<>();
    list.forEach(node -> choices.add(reading.apply(node)));
    return new Regular.Union(choices);
  }

  private static String guessed(JsonNode schema) {
    if (schema.has("properties") || schema.has("required")) {
      return "object";
    }
    if (schema.has("items") || schema.has("minItems") || schema.has("maxItems")) {
      return "array";
    }
    boolean text = schema.has("pattern") || schema.has("minLength") || schema.has("maxLength");
    return text ? "string" : "";
  }

  private Regular typed(String path, String type, JsonNode schema) {
    return switch (type) {
      case "object" -> object(path, schema);
      case "array" -> array(path, schema);
      case "string" -> string(path, schema);
      case "integer" -> INTEGER;
      case "number" -> NUMBER;
      case "boolean" -> Regular.any(Regular.text("true"), Regular.text("false"));
      case "null" -> Regular.text("null");
      case "" -> scalar();
      default -> throw refused(path, type, "a type of JSON");
    };
  }

  /// What stands where anything may stand.
  private static Regular scalar() {
    return Regular.any(
        quoted(new Regular.Repeat(CHARACTER, 0, -1)),
        NUMBER,
        Regular.text("true"),
        Regular.text("false"),
        Regular.text("null"));
  }

  private static Regular quoted(Regular content) {
    return Regular.all(Regular.text("\""), content, Regular.text("\""));
  }

  private Regular string(String path, JsonNode schema) {
    if (schema.has("pattern")) {
      if (schema.has("minLength") || schema.has("maxLength")) {
        throw refused(path, "pattern", "either a pattern or a length");
      }
      return quoted(pattern(schema.get("pattern").asText()));
    }
    int least = count(path, schema, "minLength", 0);
    int most = count(path, schema, "maxLength", -1);
    return quoted(repeated(path, CHARACTER, least, most));
  }

  /// A pattern is found anywhere in a text unless it is anchored.
  private Regular pattern(String pattern) {
    Regular found = escaped(RegexParser.parse(field, pattern));
    Regular anything = new Regular.Repeat(CHARACTER, 0, -1);
    boolean start = pattern.startsWith("^");
    boolean end = pattern.endsWith("$") && !pattern.endsWith("\\$");
    return Regular.all(start ? Regular.EMPTY : anything, found, end ? Regular.EMPTY : anything);
  }

  /// The same texts as they stand in a JSON string.
  private static Regular escaped(Regular language) {
    return switch (language) {
      case Regular.Literal(String text) ->
          new Regular.Concatenation(
              text.codePoints().mapToObj(c -> escaped(CodePoints.of(c, c))).toList());
      case Regular.OneOf(CodePoints set) -> escaped(set);
      case Regular.Concatenation(List<Regular> parts) ->
          new Regular.Concatenation(parts.stream().map(JsonSchemaParser::escaped).toList());
      case Regular.Union(List<Regular> choices) ->
          new Regular.Union(choices.stream().map(JsonSchemaParser::escaped).toList());
      case Regular.Repeat(Regular part, int least, int most) ->
          new Regular.Repeat(escaped(part), least, most);
    };
  }

  private static Regular escaped(CodePoints set) {
    List<Regular> choices = new ArrayList<>();
    CodePoints plain = set.without(PLAIN.complement());
    if (!plain.ranges().isEmpty()) {
      choices.add(new Regular.OneOf(plain));
    }
    for (int[] range : set.without(PLAIN).ranges()) {
      for (int c = range[0]; c <= range[1]; c++) {
        choices.add(
            Regular.text(c == '"' || c == '\\' ? "\\" + (char) c : String.format("\\u%04x", c)));
      }
    }
    return new Regular.Union(choices);
  }

  private int count(String path, JsonNode schema, String word, int otherwise) {
    if (!schema.has(word)) {
      return otherwise;
    }
    JsonNode count = schema.get(word);
    if (!count.isInt() || count.asInt() < 0 || count.asInt() > MAX_COUNT) {
      throw refused(path, count, word + " from 0 to " + MAX_COUNT);
    }
    return count.asInt();
  }

  private Regular repeated(String path, Regular part, int least, int most) {
    if (most >= 0 && most < least) {
      throw refused(path, most, "at least " + least);
    }
    return new Regular.Repeat(part, least, most);
  }

  private Regular array(String path, JsonNode schema) {
    Regular item = schema.has("items") ? schema(path + "/items", schema.get("items")) : scalar();
    int least = count(path, schema, "minItems", 0);
    int most = count(path, schema, "maxItems", -1);
    if (most >= 0 && most < least) {
      throw refused(path, most, "at least " + least);
    }
    Regular more =
        new Regular.Repeat(
            Regular.all(COMMA, item),
            Math.max(0, least - 1),
            most < 0 ? -1 : Math.max(0, most - 1));
    Regular some = Regular.all(item, more);
    Regular items = most == 0 ? Regular.EMPTY : least == 0 ? Regular.optional(some) : some;
    return Regular.all(Regular.text("["), items, Regular.text("]"));
  }

  private Regular object(String path, JsonNode schema) {
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    List<Regular> members = new ArrayList<>();
    List<Boolean> needed = new ArrayList<>();
    for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
      String name = property.getKey();
      members.add(
          Regular.all(
              Regular.text(JSON.getNodeFactory().textNode(name).toString()),
              COLON,
              schema(path + "/" + name, property.getValue())));
      needed.add(required.remove(name));
    }
    if (!required.isEmpty()) {
      throw refused(path, required.iterator().next(), "required names among properties");
    }
    return Regular.all(Regular.text("{"), members(members, needed), Regular.text("}"));
  }

  /// Members with commas between them, those that are not needed with or without.
  private static Regular members(List<Regular> members, List<Boolean> needed) {
    int first = needed.indexOf(true);
    if (first >= 0) {
      List<Regular> parts = new ArrayList<>();
      for (int i = 0; i < first; i++) {
        parts.add(Regular.optional(Regular.all(members.get(i), COMMA)));
      }
      parts.add(members.get(first));
      parts.addAll(following(members, needed, first));
      return new Regular.Concatenation(parts);
    }
    List<Regular> byFirst = new ArrayList<>(List.of(Regular.EMPTY));
    for (int i = 0; i < members.size(); i++) {
      List<Regular> parts = new ArrayList<>(List.of(members.get(i)));
      parts.addAll(following(members, needed, i));
      byFirst.add(new Regular.Concatenation(parts));
    }
    return new Regular.Union(byFirst);
  }

  private static List<Regular> following(List<Regular> members, List<Boolean> needed, int after) {
    List<Regular> parts = new ArrayList<>();
    for (int i = after + 1; i < members.size(); i++) {
      Regular member = Regular.all(COMMA, members.get(i));
      parts.add(needed.get(i) ? member : Regular.optional(member));
    }
    return parts;
  }
}
