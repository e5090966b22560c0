package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import dev.fovea.fake.DecoderRepository;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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

  private static String run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add("--server=localhost:" + gateway.port());
    int exit =
        Fovea.run(
            new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
    assertThat(exit).as(err.toString()).isZero();
    return out.toString();
  }

  @Test
  void captionIsToldAsItComesAndSaysWhenItWasCut() {
    String caption = run("caption", IMAGE, "--max-tokens", "4");

    assertThat(caption.lines().findFirst().orElseThrow()).endsWith("… (cut: length)");
    assertThat(caption).contains("pico_decoder version 1").contains("in the server");
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
