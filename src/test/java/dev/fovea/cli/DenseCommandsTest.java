package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.HeadModels;
import dev.fovea.app.TestGateway;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The commands that look at every place of an image, and the one that examines models.
@Timeout(120)
final class DenseCommandsTest {
  private static final String IMAGE = "src/test/resources/golden/images/420-q90.jpg";

  private static TestGateway gateway;

  @TempDir private Path folder;

  @BeforeAll
  static void start(@TempDir Path models) {
    gateway =
        TestGateway.start(Map.of("fovea.repository", HeadModels.repository(models).toString()));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private record Told(int exit, String out, String err) {}

  private static Told run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit = Fovea.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    return new Told(exit, out.toString(), err.toString());
  }

  private static String server() {
    return "--server=127.0.0.1:" + gateway.port();
  }

  @Test
  void relevanceTellsWhereEachTextFitsBest() {
    Told told = run("relevance", server(), IMAGE, "a cat", "a red car");

    assertThat(told.err()).isEmpty();
    assertThat(told.exit()).isZero();
    assertThat(told.out())
        .containsPattern(
            "a cat: best -?[0-9.]+ at [0-9]+, [0-9]+ \\(row [0-9] of 7, column [0-9] of 9\\)")
        .contains("a red car: best ", " ms in the server", "pico_vision version 1 (");
  }

  @Test
  void relevanceIsDrawnForEachTextBesideTheOthers() throws IOException {
    Path out = folder.resolve("made/heat.png");

    Told told = run("relevance", server(), IMAGE, "a cat", "a red car", "--out=" + out);

    assertThat(told.exit()).isZero();
    BufferedImage drawn = ImageIO.read(out.toFile());
    assertThat(drawn.getWidth()).isEqualTo(2 * 61);
    assertThat(drawn.getHeight()).isEqualTo(47);
  }

  /// The depth model of this test says 0 for the first row and more than 1 from the second on.
  @Test
  void depthIsDrawnFromRedForNearToBlueForFar() throws IOException {
    Path out = folder.resolve("depth.png");

    Told told = run("depth", server(), white(64, 64).toString(), "--out=" + out);

    assertThat(told.err()).isEmpty();
    assertThat(told.exit()).isZero();
    assertThat(told.out()).startsWith("█").contains("█ near, blank far");
    BufferedImage drawn = ImageIO.read(out.toFile());
    Color near = new Color(drawn.getRGB(1, 0));
    Color far = new Color(drawn.getRGB(32, 60));
    assertThat(near.getRed()).isGreaterThan(near.getBlue());
    assertThat(far.getBlue()).isGreaterThan(far.getRed());
  }

  @Test
  void drawingIsUprightAsTheServerSeesIt() throws IOException {
    Path out = folder.resolve("depth.png");
    File stored = new File("src/test/resources/golden/images/exif-6.jpg");
    BufferedImage sideways = ImageIO.read(stored);

    assertThat(run("depth", server(), stored.toString(), "--out=" + out).exit()).isZero();

    BufferedImage drawn = ImageIO.read(out.toFile());
    assertThat(drawn.getWidth()).isEqualTo(sideways.getHeight());
    assertThat(drawn.getHeight()).isEqualTo(sideways.getWidth());
  }

  @Test
  void answersForProgramsAreJson() throws IOException {
    JsonNode relevance =
        new ObjectMapper().readTree(run("relevance", server(), "--json", IMAGE, "a cat").out());
    JsonNode depth = new ObjectMapper().readTree(run("depth", server(), "--json", IMAGE).out());

    assertThat(relevance.at("/geometry/box/width").asInt()).isEqualTo(61);
    assertThat(relevance.at("/maps/0/scores").size()).isEqualTo(7 * 9);
    assertThat(depth.at("/depths").size()).isEqualTo(4 * 7 * 4 * 9);
  }

  @Test
  void whatCannotBeDrawnOnIsToldByName() {
    String handle = run("upload", server(), IMAGE).out().lines().findFirst().orElseThrow();

    assertThat(run("depth", server(), handle).exit()).isZero();
    assertThat(run("depth", server(), handle, "--out=x.png").err())
        .contains("is no file to draw over");
    assertThat(run("relevance", server(), IMAGE).err()).contains("TEXT");
    assertThat(run("relevance", server(), "nowhere.jpg", "a cat").err()).contains("no such file");
  }

  @Test
  void classifyTakesALabelSet() {
    Told told = run("classify", server(), IMAGE, "--label-set", "pico/emotion");

    assertThat(told.exit()).isZero();
    assertThat(told.out()).containsPattern("happy +[0-9.]+ %").doesNotContain("cosine");
    assertThat(run("classify", server(), IMAGE, "--label-set", "pico/mood").err())
        .contains("NOT_FOUND LABEL_SET_NOT_FOUND");
    assertThat(run("classify", server(), IMAGE, "--label-set", "a", "--labels", "b").exit())
        .isEqualTo(2);
  }

  @Test
  void evalMeasuresWhatTheFamilyCanDo() throws IOException {
    Path sheets = exam();
    Path page = folder.resolve("page/models.md");

    Told told = run("eval", server(), sheets.toString(), "--report=" + page);

    assertThat(told.err()).contains("zero-shot: 2 scenes", "depth: 1 scenes", "emotion: 1 faces");
    assertThat(told.out())
        .containsPattern(
            "\\| zero-shot, one thing of 2 kinds.*top-1 \\| [01]\\.[05]00 \\|.*\\| 2 \\|")
        .contains("| depth: order of two things | 1.000 | 0.342–1.000 | 2 | ≥ 0.90 |")
        .containsPattern("presence of each .* \\| [01]\\.[0-9]+ \\|.*\\| 1 \\| ≥ 0.92")
        .containsPattern("image to text among 2: recall@1")
        .contains("nothing is rejected", "emotion of a face, macro F1 over 3");
    assertThat(page).content().contains("`pico_depth` version 1", "## Scenes", "models/00.jpg");
    assertThat(ImageIO.read(page.resolveSibling("models/00.jpg").toFile()).getWidth())
        .isEqualTo(3 * 64);
  }

  @Test
  void evalShowsWhatOtherModelsReachedAndHowAllLearned() throws IOException {
    Path page = folder.resolve("page/models.md");
    Path other =
        Files.writeString(
            folder.resolve("other.json"),
            """
            {"model": "other", "measures": [{"name": "zero-shot, one thing, Round: top-1",
             "value": 0.25, "low": 0.2, "high": 0.3, "cases": 300}]}
            """);
    Path curves =
        Files.writeString(
            folder.resolve("curves.json"),
            """
            {"title": "top-1 & more", "series": {"other": [[0, 0.0], [50, 0.5], [100, 1.0]]}}
            """);

    Told told =
        run(
            "eval",
            server(),
            exam().toString(),
            "--report=" + page,
            "--beside=" + other,
            "--curves=" + curves,
            "--save=" + folder.resolve("mine.json"));

    assertThat(told.err()).doesNotContain("no measures");
    assertThat(page)
        .content()
        .contains("| measure | `pico_vision` | `other` |")
        .containsPattern(
            "\\| zero-shot, one thing, Round: top-1 \\| .* \\| 0.250 \\(0.200–0.300\\) \\|")
        .containsOnlyOnce("one thing, Round: top-5")
        .contains("Not trained on Round: other.", "![top-1 & more](models/curve-0.svg)");
    assertThat(page.resolveSibling("models/curve-0.svg"))
        .content()
        .contains("top-1 &amp; more", "points=\"40.0,248.0 290.0,138.0 540.0,28.0 \"");
    assertThat(SavedMeasures.read(folder.resolve("mine.json")).measures())
        .extracting(Measure::name)
        .contains("zero-shot, one thing, Round: top-1", "depth: order of two things");
  }

  @Test
  void evalNamesAFileThatHoldsNoMeasures() throws IOException {
    Path other = Files.writeString(folder.resolve("other.json"), "{\"model\": \"other\"}");

    Told told =
        run(
            "eval",
            server(),
            exam().toString(),
            "--report=" + folder.resolve("page.md"),
            "--beside=" + other);

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.err()).contains("other.json: no measures").doesNotContain("zero-shot");
  }

  @Test
  void evalTellsHowToMakeTheScenesThatAreMissing() {
    Told told = run("eval", server(), folder.toString());

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.err()).contains("world.json", "training/python -m pico.sheets");
  }

  private Path exam() throws IOException {
    Path sheets = Files.createDirectories(folder.resolve("sheets"));
    Files.copy(white(64, 64), sheets.resolve("a.png"));
    Files.writeString(
        sheets.resolve("world.json"),
        """
        {"templates": ["a picture of {}"], "moderated": ["animal"],
         "emotions": ["happy", "sad", "angry", "none"],
         "unseen": {"style": "Round", "by": ["other"]},
         "kinds": [{"name": "cat", "phrase": "a cat", "category": "animal", "plural": "cats"},
                   {"name": "car", "phrase": "a car", "category": "vehicle"}]}
        """);
    String things = "\"things\": [{\"kind\": \"cat\", \"number\": 1, \"colour\": null}]";
    String more =
        "\"things\": [{\"kind\": \"cat\", \"number\": 1}, {\"kind\": \"car\", \"number\": 2}]";
    Files.writeString(
        sheets.resolve("sheets.jsonl"),
        """
        {"file": "a.png", "set": "one", %1$s}
        {"file": "a.png", "set": "one", "things": [{"kind": "car", "number": 1}]}
        {"file": "a.png", "set": "some", "caption": "a cat and two cars", %2$s}
        {"file": "a.png", "set": "some", "caption": "two cars and a cat", %2$s}
        {"file": "a.png", "set": "reading", "caption": "a cat", %1$s}
        {"file": "a.png", "set": "deep", %1$s, "order": [\
        {"near": [[0.5, 0.05], [0.5, 0.1], [0.4, 0.1]], "far": [[0.5, 0.9]]}, \
        {"near": [[0.5, 0.5]], "far": [[0.5, 0.95]]}]}
        {"file": "a.png", "set": "faces", "emotion": "happy", %1$s}
        {"file": "a.png", "set": "faces", "emotion": null, %1$s}
        {"file": "a.png", "set": "held-back", %1$s}
        {"file": "a.png", "set": "nothing"}
        """
            .formatted(things, more));
    return sheets;
  }

  private Path white(int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, width, height);
    graphics.dispose();
    Path file = folder.resolve("white.png");
    ImageIO.write(image, "png", file.toFile());
    return file;
  }
}
