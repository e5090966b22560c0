package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A short run of the fuzzer. The long one is `./fovea fuzz images`.
final class ImageFuzzTest {
  private static final Path SEEDS = Path.of("src/test/resources/golden/images");
  private static final Path FINDINGS = Path.of("src/test/resources/fuzz/images");
  private static final int SECONDS = 5;

  @Test
  void everySeedHoldsWhatTheFuzzerAsks() throws IOException {
    for (Path seed : files(SEEDS)) {
      ImageFuzzer.fuzzerTestOneInput(Files.readAllBytes(seed));
    }
  }

  /// What the fuzzer once found stays mended.
  @Test
  void everyFindingHoldsWhatTheFuzzerAsks() throws IOException {
    for (Path finding : files(FINDINGS)) {
      ImageFuzzer.fuzzerTestOneInput(Files.readAllBytes(finding));
    }
  }

  @Test
  void damagedSeedsHoldWhatTheFuzzerAsks() throws IOException {
    Random random = new Random(20);
    for (Path seed : files(SEEDS)) {
      byte[] whole = Files.readAllBytes(seed);
      for (int round = 0; round < 4; round++) {
        byte[] damaged = whole.clone();
        for (int i = 0; i <= round; i++) {
          damaged[random.nextInt(Math.min(damaged.length, 200))] = (byte) random.nextInt();
        }
        ImageFuzzer.fuzzerTestOneInput(damaged);
      }
    }
  }

  /// In a JVM of its own: Jazzer rewrites classes as they are loaded.
  @Test
  @Timeout(120)
  void coverageGuidedRunOfAFewSecondsFindsNothing(@TempDir Path folder) throws Exception {
    Path output = folder.resolve("output");
    Process jazzer =
        new ProcessBuilder(command(folder))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();

    assertThat(jazzer.waitFor(110, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(output, StandardCharsets.ISO_8859_1);
    assertThat(jazzer.exitValue()).as(said).isZero();
    assertThat(said).containsPattern("Done [0-9]+ runs in");
  }

  private static List<String> command(Path folder) throws IOException {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    return List.of(
        ProcessHandle.current().info().command().orElse("java"),
        "-cp",
        System.getProperty("java.class.path"),
        "-Xmx1g",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "com.code_intelligence.jazzer.Jazzer",
        "--target_class=" + ImageFuzzer.class.getName(),
        "--instrumentation_includes=dev.fovea.image.**",
        "--reproducer_path=" + folder,
        "-artifact_prefix=" + folder + "/",
        "-max_total_time=" + SECONDS,
        "-max_len=4096",
        "-seed=1",
        corpus.toString(),
        SEEDS.toString());
  }

  private static List<Path> files(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
