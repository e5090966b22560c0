package dev.fovea.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.fovea.failure.GatewayException;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What transformers makes of generated pictures, as `src/test/python/golden_processors.py` wrote
/// it down, and how Fovea compares.
public final class GoldenProcessors {
  private static final JsonMapper JSON = new JsonMapper();
  private static final JsonNode FILE = read();

  private GoldenProcessors() {}

  /// One configuration with one back end, and what the reference makes of each picture.
  ///
  /// @param family as people call it
  /// @param variant what is special about the configuration
  /// @param backend `pil` or `torchvision`
  public record Case(String family, String variant, String backend, JsonNode json) {
    /// The plan that the configuration is compiled into, `backend` added to it.
    ImageProcessor processor() {
      ObjectNode config = json.get("config").deepCopy();
      config.put("backend", backend);
      try {
        Path assets = Files.createTempDirectory("golden");
        Path file = assets.resolve("preprocessor_config.json");
        Files.writeString(file, config.toString());
        ImageProcessor processor = ImageProcessors.read(assets);
        Files.delete(file);
        Files.delete(assets);
        return processor;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    List<Image> images() {
      List<Image> images = new ArrayList<>();
      json.get("images").forEach(image -> images.add(new Image(image)));
      return images;
    }

    @Override
    public String toString() {
      return family + ", " + variant + ", " + backend;
    }
  }

  /// One picture and what the reference makes of it.
  record Image(JsonNode json) {
    Pixels pixels() {
      Pixels pattern =
          GoldenFiles.pattern(json.get("width").intValue(), json.get("height").intValue());
      return json.get("picture").asText().equals("marks") ? marks(pattern) : pattern;
    }

    /// What is made of it, each tensor described as in the file; nothing where it is refused.
    Map<String, List<String>> made(ImageProcessor processor) {
      Map<String, List<String>> made = new TreeMap<>();
      try {
        ProcessedImage processed = processor.process(pixels(), TensorAllocator.heap());
        processed.inputs().forEach((name, tensor) -> made.put(name, described(tensor)));
      } catch (GatewayException _) {
        // As the reference, which makes nothing of it either.
      }
      return made;
    }

    Map<String, List<String>> expected() {
      Map<String, List<String>> expected = new TreeMap<>();
      for (Map.Entry<String, JsonNode> tensor : json.get("tensors").properties()) {
        JsonNode row = tensor.getValue();
        String shape = row.get(1).toString();
        expected.put(tensor.getKey(), List.of(row.get(0).asText(), shape, row.get(2).asText()));
      }
      return expected;
    }

    @Override
    public String toString() {
      return json.get("picture").asText() + " " + json.get("width") + "×" + json.get("height");
    }
  }

  /// Black and white where the pattern is dark and bright.
  private static Pixels marks(Pixels pattern) {
    byte[] rgb = pattern.rgb();
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (rgb[i] < 0 ? 255 : 0);
    }
    return pattern;
  }

  private static List<String> described(Tensor tensor) {
    String type =
        switch (tensor.type()) {
          case FP32 -> "float32";
          case UINT8 -> "uint8";
          case INT32 -> "int32";
          case INT64 -> "int64";
          default -> tensor.type().name();
        };
    byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
    String shape = Arrays.toString(tensor.shape().toArray()).replace(" ", "");
    return List.of(type, shape, GoldenFiles.sha256(bytes).substring(0, 32));
  }

  public static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (JsonNode json : FILE.get("cases")) {
      cases.add(
          new Case(
              json.get("family").asText(),
              json.get("variant").asText(),
              json.get("backend").asText(),
              json));
    }
    return cases;
  }

  /// The libraries that made the file, by name.
  public static Map<String, String> versions() {
    Map<String, String> versions = new TreeMap<>();
    FILE.get("versions")
        .properties()
        .forEach(entry -> versions.put(entry.getKey(), entry.getValue().asText()));
    return versions;
  }

  private static JsonNode read() {
    try (InputStream in = GoldenProcessors.class.getResourceAsStream("/golden/processors.json")) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
