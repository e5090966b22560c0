package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The table of bounds in `docs/operations.md` says what there is.
@Timeout(60)
final class OperationsPageTest {
  private static final Pattern SETTING = Pattern.compile("`(fovea\\.[a-z.-]+)`");
  private static final Pattern GAUGE = Pattern.compile("`(fovea_[a-z_]+)`");

  @Test
  void everySettingOfThePageExists() throws IOException {
    assertThat(names(SETTING, page()))
        .isSubsetOf(SettingsTest.defaults("fovea", Settings.class).keySet());
  }

  @Test
  void tableNamesEveryGaugeAndNoOther() throws IOException {
    String table =
        page().lines().filter(line -> line.startsWith("| ")).collect(Collectors.joining("\n"));
    try (TestGateway gateway =
        TestGateway.start(
            Map.of("fovea.cache.max-bytes", "1048576"),
            clock -> new ScriptedEngine(new UnitVectors(), clock, 256))) {
      assertThat(names(GAUGE, table)).isEqualTo(gateway.gauges());
    }
  }

  private static String page() throws IOException {
    return Files.readString(Path.of("docs/operations.md"));
  }

  private static Set<String> names(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
