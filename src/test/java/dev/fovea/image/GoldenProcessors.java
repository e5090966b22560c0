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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;

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

    /// Every other one lies outside the heap.
    List<Image> images() {
      List<Image> images = new ArrayList<>();
      for (JsonNode image : json.get("images")) {
        images.add(new Image(image, images.size() % 2 == 1));
      }
      return images;
    }

    @Override
    public String toString() {
      return family + ", " + variant + ", " + backend;
    }
  }

  /// One picture and what the reference makes of it.
  ///
  /// @param outside whether its pixels lie outside the heap
  record Image(JsonNode json, boolean outside) {
    Pixels pixels() {
      Pixels picture = picture();
      if (!outside) {
        return picture;
      }
      MemorySegment memory = Arena.ofAuto().allocate(picture.rgb().length);
      memory.copyFrom(MemorySegment.ofArray(picture.rgb()));
      return Pixels.outsideTheHeap(picture.width(), picture.height(), memory, () -> {});
    }

    private Pixels picture() {
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

  /// The tensors of a case that are not what the reference makes; an image that only one of the two
  /// refuses counts too.
  public static long differing(Case golden) {
    ImageProcessor processor = golden.processor();
    long differing = 0;
    for (Image image : golden.images()) {
      Map<String, List<String>> made = image.made(processor);
      Map<String, List<String>> expected = image.expected();
      Set<String> names = new TreeSet<>(made.keySet());
      names.addAll(expected.keySet());
      differing +=
          names.stream()
              .filter(name -> !Objects.equals(made.get(name), expected.get(name)))
              .count();
    }
    return differing;
  }

  /// What was compared, as the table of `docs/images.md`.
  ///
  /// @param differing tells how many tensors of a case differ
  public static String table(ToLongFunction<Case> differing) {
    StringBuilder table = new StringBuilder();
    table.append("| family | back end | configurations | images | tensors | that differ |\n");
    table.append("|---|---|---|---|---|---|\n");
    Map<List<String>, List<Case>> rows = new LinkedHashMap<>();
    for (Case golden : cases()) {
      List<String> row = List.of(golden.family(), golden.backend());
      rows.computeIfAbsent(row, _ -> new ArrayList<>()).add(golden);
    }
    rows.forEach((row, cases) -> {
      List<Image> images = cases.stream().flatMap(golden -> golden.images().stream()).toList();
      long tensors = images.stream().mapToLong(image -> image.expected().size()).sum();
      table.append(
          "| %s | %s | %d | %d | %d | %d |%n"
              .formatted(
                  row.get(0),
                  row.get(1),
                  cases.size(),
                  images.size(),
                  tensors,
                  cases.stream().mapToLong(differing).sum()));
    });
    return table.toString();
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
