package dev.fovea.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The launcher takes the benchmarks that its list names; the pages name no other, and each of them
/// is there.
final class BenchUsageTest {
  private static final Pattern LISTED = Pattern.compile("(?m)^  ([a-z]+)  ");
  private static final Pattern NAMED = Pattern.compile("\\./fovea bench ([a-z]+)");
  private static final Pattern THERE = Pattern.compile("case \"([a-z]+)\"");

  @Test
  void pagesNameWhatTheLauncherTakes() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(Path.of("README.md")));
    try (Stream<Path> docs = Files.list(Path.of("docs"))) {
      docs.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
    }
    Set<String> named = new TreeSet<>();
    for (Path page : pages) {
      named.addAll(found(NAMED, Files.readString(page)));
    }

    assertThat(named).contains("load", "generate");
    assertThat(listed()).containsAll(named);
  }

  @Test
  void launcherTakesWhatIsThere() throws IOException {
    Set<String> there =
        found(THERE, Files.readString(Path.of("src/test/java/dev/fovea/bench/Bench.java")));
    // A command of its own; a script in Python.
    there.remove("soak");
    there.add("images");

    assertThat(listed()).isEqualTo(there);
  }

  private static Set<String> listed() throws IOException {
    String launcher = Files.readString(Path.of("fovea"));
    int from = launcher.indexOf("usage: ./fovea bench NAME");
    return found(LISTED, launcher.substring(from, launcher.indexOf("\nEOF\n", from)));
  }

  private static Set<String> found(Pattern pattern, String text) {
    Set<String> names = new TreeSet<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      names.add(matcher.group(1));
    }
    return names;
  }
}
