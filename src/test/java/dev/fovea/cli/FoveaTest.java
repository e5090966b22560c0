package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The commands as a person types them, against a running server.
@Timeout(60)
final class FoveaTest {
  private static final String IMAGE = "src/test/resources/golden/images/420-q90.jpg";

  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start();
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
  void embedTellsHeadAndNormAndWhereTheTimeWent() {
    Told told = run("embed", server(), IMAGE, "--text", "a red apple");

    assertThat(told.err()).isEmpty();
    assertThat(told.exit()).isZero();
    assertThat(told.out())
        .contains("420-q90.jpg: ", " pixels, ", "dimensions, norm 1.0000, [")
        .contains("a red apple: ", " tokens, ")
        .containsPattern("[0-9.]+ ms in the server, decode [0-9.]+ ms")
        .contains("pico_vision version 1 (");
  }

  @Test
  void answersForProgramsAreJson() throws IOException {
    Told told = run("embed", server(), "--json", IMAGE);

    JsonNode json = new ObjectMapper().readTree(told.out());
    assertThat(told.exit()).isZero();
    assertThat(json.at("/results/0/embedding/vector/floats/values").size()).isGreaterThan(100);
    assertThat(json.at("/callInfo/models/0/model").asText()).isEqualTo("pico_vision");
  }

  @Test
  void classifyTellsEachLabelWithItsProbability() {
    Told told = run("classify", server(), IMAGE, "--labels", "a cat, a dog,, a red car");

    assertThat(told.exit()).isZero();
    assertThat(told.out())
        .containsPattern("a cat +[0-9.]+ %")
        .containsPattern("a red car +[0-9.]+ %")
        .contains("cosine");
  }

  @Test
  void modelsTellsWhatIsLoaded() {
    Told told = run("models", server());

    assertThat(told.exit()).isZero();
    assertThat(told.out())
        .contains("pico: ready", "embed image, embed text, classify", "128×128", "16×16")
        .containsPattern("preprocessing [0-9a-f]{64}");
  }

  @Test
  void refusedItemIsToldAndTheExitStatusSaysSo(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("picture.jpg"), "no picture");

    Told told = run("embed", server(), text.toString(), IMAGE);
    Told json = run("embed", server(), "--json", text.toString());

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.out()).contains("INVALID_ARGUMENT UNSUPPORTED_IMAGE_FORMAT", "norm 1.0000");
    assertThat(json.exit()).isEqualTo(1);
    assertThat(
            new ObjectMapper()
                .readTree(json.out())
                .at("/results/0/error/status/details/0/reason")
                .asText())
        .isEqualTo("UNSUPPORTED_IMAGE_FORMAT");
  }

  @Test
  void refusedCallIsToldWithItsReason() {
    Told told = run("embed", server(), IMAGE, "--model", "nobody");

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.out()).isEmpty();
    assertThat(told.err()).startsWith("fovea: NOT_FOUND MODEL_NOT_FOUND: model.model: \"nobody\"");
  }

  @Test
  void missingServerIsToldWithTheWayToStartOne() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }

    Told told = run("models", "--server", "127.0.0.1:" + free);

    assertThat(told.exit()).isEqualTo(3);
    assertThat(told.err()).contains("no server answers at 127.0.0.1:" + free, "./fovea serve");
  }

  @Test
  void uploadTellsAHandleThatOtherCommandsTake() {
    Told uploaded = run("upload", server(), IMAGE);

    assertThat(uploaded.err()).isEmpty();
    assertThat(uploaded.exit()).isZero();
    assertThat(uploaded.out()).contains("JPEG, 61×47, ", "kept until 20");
    String handle = uploaded.out().lines().findFirst().orElseThrow();
    assertThat(handle).matches("handle:[A-Za-z0-9_-]{24}");
    assertThat(run("embed", server(), handle).out()).contains(handle + ": 61×47 pixels");
    assertThat(run("classify", server(), handle, "--labels", "a,b").exit()).isZero();
    assertThat(run("info", server(), handle).out())
        .startsWith(handle + ": JPEG, 61×47, ")
        .endsWith(" bytes\n");
  }

  @Test
  void uploadForProgramsIsJson() throws IOException {
    JsonNode json = new ObjectMapper().readTree(run("upload", server(), "--json", IMAGE).out());

    assertThat(json.at("/handle").asText()).hasSize(24);
    assertThat(json.at("/info/format").asText()).isEqualTo("IMAGE_FORMAT_JPEG");
  }

  @Test
  void refusedUploadIsToldWithItsReason(@TempDir Path folder) throws IOException {
    Path text = Files.write(folder.resolve("picture.jpg"), new byte[3 << 20]);
    Path large = Files.write(folder.resolve("large.jpg"), new byte[(20 << 20) + 1]);

    assertThat(run("upload", server(), text.toString()).err())
        .startsWith("fovea: INVALID_ARGUMENT UNSUPPORTED_IMAGE_FORMAT: chunk: ");
    Told told = run("upload", server(), large.toString());
    assertThat(told.err())
        .startsWith("fovea: INVALID_ARGUMENT IMAGE_TOO_LARGE: metadata.size_bytes: ");
    assertThat(told.exit()).isEqualTo(1);
    assertThat(run("upload", server(), "nowhere.jpg").err()).contains("no such file");
    assertThat(run("embed", server(), "handle:nobody's").out())
        .contains("NOT_FOUND IMAGE_HANDLE_EXPIRED");
  }

  @Test
  void infoTellsOrientationFramesAndRegion() {
    String images = "src/test/resources/golden/images/";

    assertThat(run("info", server(), images + "exif-6.jpg").out())
        .contains("orientation 6: seen as ");
    assertThat(run("info", server(), images + "frames-0.gif").out())
        .contains("GIF, 19×16, ", ", 6 frames");
    assertThat(run("info", server(), IMAGE, "--region", "0.5,0,1,1").out())
        .contains("region 30×47 at 31, 0");
  }

  @Test
  void regionAndDetailAreTaken() {
    assertThat(run("embed", server(), IMAGE, "--region", "0,0,0.5,1", "--detail", "low").exit())
        .isZero();
    assertThat(run("embed", server(), IMAGE, "--region", "0,0,2,1").out())
        .contains("INVALID_FIELD", "region.x_max: 2.0");
    assertThat(run("embed", server(), IMAGE, "--region", "0,0,1").err())
        .contains("'0,0,1' (expected: four numbers, as 0,0,0.5,1)");
    assertThat(run("embed", server(), IMAGE, "--detail", "fine").err())
        .contains("'fine' (expected: auto, low or high)");
    assertThat(run("embed", server(), IMAGE, "--frame", "3").out())
        .contains("INVALID_FIELD", "frame_index: 3");
  }

  @Test
  void missingFileIsToldByName() {
    Told told = run("embed", server(), "nowhere.jpg");

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.err()).isEqualToIgnoringNewLines("fovea: nowhere.jpg: no such file");
  }

  @Test
  void wrongCommandLineShowsHowItIsWritten() {
    assertThat(run("embed", server()).exit()).isEqualTo(2);
    assertThat(run("classify", server(), IMAGE).err())
        .contains("--labels", "Usage: fovea classify");
    assertThat(run("nothing").exit()).isEqualTo(2);
    assertThat(run().err()).contains("Usage: fovea");
    assertThat(run("embed", "--help").out()).contains("--server", "--json");
  }
}
