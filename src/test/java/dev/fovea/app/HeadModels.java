package dev.fovea.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The shipped encoders with models of this test beside them that read what they see; what those
/// answer is told in `src/test/python/head_models.py`.
public final class HeadModels {
  /// What the emotion model tells apart.
  public static final List<String> EMOTIONS = List.of("happy", "sad", "angry", "none");

  private static final Path MODELS = Path.of("src/test/resources/heads");
  private static final Pattern SPACE = Pattern.compile("\"(pico-[0-9a-f]+)\"");

  private HeadModels() {}

  /// Makes a model repository of them in an empty folder.
  public static Path repository(Path folder) {
    try {
      for (String encoder : List.of("pico_vision", "pico_text")) {
        copy(TestGateway.SHIPPED_REPOSITORY.resolve(encoder), folder.resolve(encoder));
      }
      Path vision = folder.resolve("pico_vision/config.pbtxt");
      Matcher space = SPACE.matcher(Files.readString(vision));
      if (!space.find()) {
        throw new IllegalStateException(vision + ": no space");
      }
      write(
          folder.resolve("pico_depth"),
          space.group(1),
          """
          input { name: "patch_positions" data_type: TYPE_INT32 dims: [ -1, 2 ] }
          output { name: "depth" data_type: TYPE_FP32 dims: [ -1, 16 ] }
          """);
      write(
          folder.resolve("pico_emotion"),
          space.group(1),
          """
          output { name: "logits" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "labels.txt" }
          """);
      Files.write(folder.resolve("pico_emotion/labels.txt"), EMOTIONS);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path folder, String space, String more) throws IOException {
    copy(MODELS.resolve(folder.getFileName()), folder);
    Files.writeString(
        folder.resolve("config.pbtxt"),
        """
        backend: "onnxruntime"
        max_batch_size: 64
        input { name: "patch_features" data_type: TYPE_FP32 dims: [ -1, 224 ] }
        input { name: "patch_mask" data_type: TYPE_BOOL dims: [ -1 ] }
        %sdynamic_batching { }
        parameters { key: "family" value: { string_value: "pico" } }
        parameters { key: "role" value: { string_value: "%s" } }
        parameters { key: "space" value: { string_value: "%s" } }
        """
            .formatted(more, folder.getFileName().toString().replace("pico_", ""), space));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(file, copy);
        }
      }
    }
  }
}
