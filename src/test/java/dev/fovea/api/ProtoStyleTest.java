package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.fake.Tools;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The protos as buf sees them: its STANDARD and COMMENTS rules, its format, and no change that
/// breaks a client. Needs buf, which `./fovea test` fetches; where it cannot be had the tests are
/// skipped, unless FOVEA_REQUIRE_TOOLS says no.
final class ProtoStyleTest {
  private static final String DESCRIPTORS = "target/fovea.binpb";

  @Test
  void protosKeepTheRules() throws Exception {
    assertThat(buf("lint", DESCRIPTORS, "--config", "proto/buf.yaml")).isEmpty();
  }

  @Test
  void protosAreFormatted() throws Exception {
    assertThat(buf("format", "--diff", "proto")).isEmpty();
  }

  @Test
  void protosBreakNoClient() throws Exception {
    assertThat(
            buf(
                "breaking",
                DESCRIPTORS,
                "--against",
                "proto/baseline.binpb",
                "--config",
                "proto/buf.yaml"))
        .isEmpty();
  }

  private static String buf(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(requireBuf());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.waitFor();
    return exit == 0 || !output.isEmpty() ? output : "exit status " + exit;
  }

  private static String requireBuf() {
    Optional<String> buf =
        Stream.concat(
                Stream.ofNullable(System.getenv("FOVEA_BUF")),
                Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1))
                    .map(folder -> folder + "/buf"))
            .filter(file -> Files.isExecutable(Path.of(file)))
            .findFirst();
    return Tools.require(buf, "buf was not found: run ./fovea test with npm on the PATH");
  }
}
