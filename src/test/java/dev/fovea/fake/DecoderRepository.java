package dev.fovea.fake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model repository with the shipped encoders and the small decoder of
/// `src/test/python/decoder_model.py`, as one family.
public final class DecoderRepository {
  private static final Path SHIPPED = Path.of("model-repository").toAbsolutePath();
  private static final Path DECODER = Path.of("src/test/resources/decoder").toAbsolutePath();

  private static final Pattern SPACE =
      Pattern.compile("key: \"space\"\\s+value: \\{ string_value: \"([^\"]+)\"");

  private DecoderRepository() {}

  public static Path make() {
    return make(UnaryOperator.identity());
  }

  /// @param config changes the decoder's configuration
  public static Path make(UnaryOperator<String> config) {
    try {
      Path root = Files.createTempDirectory("decoder-repository");
      root.toFile().deleteOnExit();
      for (String encoder : List.of("pico_vision", "pico_text")) {
        Files.createSymbolicLink(root.resolve(encoder), SHIPPED.resolve(encoder));
      }
      Path decoder = root.resolve("pico_decoder");
      Files.createDirectories(decoder.resolve("1"));
      Files.createDirectories(decoder.resolve("assets"));
      Files.copy(DECODER.resolve("model.onnx"), decoder.resolve("1/model.onnx"));
      String text =
          Files.readString(DECODER.resolve("config.pbtxt"))
              .replace("the space of the encoders", space());
      Files.writeString(decoder.resolve("config.pbtxt"), config.apply(text));
      for (String file : List.of("tokenizer_config.json", "generation_config.json")) {
        Files.copy(DECODER.resolve(file), decoder.resolve("assets").resolve(file));
      }
      String tokenizer = Files.readString(SHIPPED.resolve("pico_text/assets/tokenizer.json"));
      Files.writeString(
          decoder.resolve("assets/tokenizer.json"),
          tokenizer.replace("<reserved_0>", "<detailed>"));
      return root;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String space() throws IOException {
    Matcher space = SPACE.matcher(Files.readString(SHIPPED.resolve("pico_text/config.pbtxt")));
    if (!space.find()) {
      throw new IOException("pico_text/config.pbtxt names no space");
    }
    return space.group(1);
  }
}
