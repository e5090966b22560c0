package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import dev.fovea.fake.DecoderRepository;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `fovea caption` and `fovea ask`, with a small decoder.
@Timeout(120)
final class GenerationCommandsTest {
  private static final String IMAGE = "examples/cat.jpg";

  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start(Map.of("fovea.repository", DecoderRepository.make().toString()));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private record Told(int exit, String out, String err) {}

  private static Told tell(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add("--server=localhost:" + gateway.port());
    int exit =
        Fovea.run(
            new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
    return new Told(exit, out.toString(), err.toString());
  }

  private static String run(String... arguments) {
    Told told = tell(arguments);
    assertThat(told.exit()).as(told.err()).isZero();
    return told.out();
  }

  private static String refused(String... arguments) {
    Told told = tell(arguments);
    assertThat(told.exit()).isNotZero();
    return told.err();
  }

  @Test
  void captionIsToldAsItComesAndSaysWhenItWasCut() {
    String caption = run("caption", IMAGE, "--max-tokens", "4");

    assertThat(caption.lines().findFirst().orElseThrow()).endsWith("… (cut: length)");
    assertThat(caption).contains("pico_decoder version 1").contains("in the server");
  }

  @Test
  void heatMapShowsWhereTheModelLookedForEachWord(@TempDir Path folder) throws IOException {
    Path streamed = folder.resolve("made/heat.png");
    Path whole = folder.resolve("whole.png");

    List<String> told =
        run("caption", IMAGE, "--max-tokens", "6", "--heat-map", streamed.toString())
            .lines()
            .toList();
    String json =
        run("caption", IMAGE, "--max-tokens", "6", "--heat-map", whole.toString(), "--json");

    List<String> words = told.stream().filter(line -> line.contains(": best ")).toList();
    assertThat(words)
        .isNotEmpty()
        .allMatch(line ->
            line.matches(
                ".*: best [0-9.]+ at [0-9]+, [0-9]+ \\(row [0-9]+ of 8, column [0-9]+ of 8\\)"));
    assertThat(words.stream().map(line -> line.substring(0, line.indexOf(": best "))))
        .containsExactly(
            told.getFirst().substring(0, told.getFirst().indexOf('…')).strip().split(" +"));
    BufferedImage drawn = ImageIO.read(streamed.toFile());
    BufferedImage picture = ImageIO.read(new File(IMAGE));
    assertThat(drawn.getWidth())
        .isEqualTo(Math.min(4, words.size()) * Math.min(320, picture.getWidth()));
    assertThat(Files.mismatch(streamed, whole)).isEqualTo(-1);
    assertThat(
            new ObjectMapper().readTree(json).at("/results/0/caption/tokens/0/relevance/0/scores"))
        .hasSize(64);
  }

  @Test
  void heatMapIsOfOneImageThatIsAFile() {
    assertThat(refused("caption", IMAGE, IMAGE, "--heat-map", "x.png")).contains("--heat-map");
    assertThat(refused("caption", "handle:AAAA", "--heat-map", "x.png")).isNotEmpty();
  }

  @Test
  void severalCaptionsAreNamedByTheirFiles() {
    assertThat(run("caption", IMAGE, "examples/cat-and-red-car.jpg", "--beams", "2", "--detailed"))
        .contains(IMAGE + ": ")
        .contains("examples/cat-and-red-car.jpg: ");
  }

  @Test
  void questionsAreAskedOneAfterTheOther() {
    String answers = run("ask", IMAGE, "what is this", "is it red", "--choices", "yes,no");

    assertThat(answers.lines().filter(line -> line.equals("yes") || line.equals("no"))).hasSize(2);
  }

  @Test
  void answerForProgramsIsJson() throws IOException {
    JsonNode json =
        new ObjectMapper().readTree(run("ask", IMAGE, "how many", "--json", "--regex", "[0-9]{2}"));

    assertThat(json.at("/answer/text").asText()).matches("[0-9]{2}");
    assertThat(json.at("/answer/finishReason").asText()).isEqualTo("FINISH_REASON_STOP");
  }
}
