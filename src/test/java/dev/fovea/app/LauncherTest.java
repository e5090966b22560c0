package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `./fovea` itself, as far as it goes without a build.
@Timeout(60)
final class LauncherTest {
  private static final String FEW_TOOLS = "/usr/bin:/bin";

  @TempDir private Path folder;

  private record Told(int exit, String out, String err) {}

  @Test
  void listsItsCommands() throws Exception {
    for (List<String> arguments : List.of(List.of("help"), List.of("--help"), List.<String>of())) {
      Told told = run(Map.of(), arguments.toArray(String[]::new));
      assertThat(told.exit()).isZero();
      assertThat(told.out()).contains("serve", "embed", "classify", "models", "test", "bench");
    }
  }

  @Test
  void unknownCommandIsAnErrorThatListsThem() throws Exception {
    Told told = run(Map.of(), "nothing");

    assertThat(told.exit()).isEqualTo(2);
    assertThat(told.err()).contains("usage: ./fovea COMMAND");
  }

  @Test
  void wrongJdkThatWasNamedIsToldAndNoOtherIsTaken() throws Exception {
    Told told = run(Map.of("FOVEA_JAVA_HOME", folder.toString()), "serve");

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.err()).contains("FOVEA_JAVA_HOME is " + folder + ", which is no JDK 25");
  }

  @Test
  void jdkOfAnotherVersionIsNone() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    for (String tool : List.of("java", "javac")) {
      Path script = Files.writeString(bin.resolve(tool), "#!/bin/sh\n");
      assertThat(script.toFile().setExecutable(true)).isTrue();
    }
    Files.writeString(folder.resolve("release"), "JAVA_VERSION=\"17.0.15\"\n");

    assertThat(run(Map.of("FOVEA_JAVA_HOME", folder.toString()), "serve").exit()).isEqualTo(1);
  }

  @Test
  void missingMavenIsToldWithWhatToInstall() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("tools"));
    for (String tool : List.of("dirname", "grep", "readlink", "cat", "find", "head")) {
      Path script = bin.resolve(tool);
      Files.writeString(script, "#!/bin/sh\nexec /usr/bin/" + tool + " \"$@\"\n");
      assertThat(script.toFile().setExecutable(true)).isTrue();
    }

    Told told =
        run(
            Map.of("PATH", bin.toString(), "FOVEA_JAVA_HOME", System.getProperty("java.home")),
            "test");

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.err()).contains("no Maven on the PATH", "3.8.7");
  }

  private static Told run(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("./fovea"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> variables =
        new HashMap<>(Map.of("PATH", FEW_TOOLS, "HOME", "/nonexistent"));
    variables.putAll(environment);
    builder.environment().clear();
    builder.environment().putAll(variables);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Told(process.waitFor(), out, err);
  }
}
