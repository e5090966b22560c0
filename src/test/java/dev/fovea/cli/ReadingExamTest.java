package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.AnswerResponse;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.CaptionResult;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.Image;
import dev.fovea.v1.ModelSelector;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What captions and answers are counted as, asked of a service that says what this test wants.
final class ReadingExamTest {
  /// Captions and answers by what is in the picture's file, and by the question.
  private final Map<String, String> captions =
      Map.of(
          "one", "a picture of three black cats and a flower pot",
          "two", "fish cat, nothing else");

  private final Map<String, String> answers =
      Map.of(
          "what is here", "a flower pot and two cats",
          "how many cats are there", "three",
          "is there a cat", "yes",
          "is there a pot", "no",
          "which is nearer, the cat or the pot", "the cat");

  private final List<String> asked = new ArrayList<>();

  @TempDir private Path folder;
  private Server server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .directExecutor()
            .addService(new Saying())
            .build()
            .start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
    Files.writeString(folder.resolve("one.jpg"), "one");
    Files.writeString(folder.resolve("two.jpg"), "two");
    Files.writeString(
        folder.resolve("world.json"),
        """
        {"templates": ["{}"], "colours": ["black", "red"], "moderated": [], "emotions": [],
         "kinds": [
          {"name": "cat", "phrase": "a cat", "plural": "cats", "synonyms": ["kitty"], "countable": true},
          {"name": "pot", "phrase": "a pot", "plural": "pots", "synonyms": [], "countable": true},
          {"name": "flower pot", "phrase": "a flower pot", "plural": "flower pots", "countable": true},
          {"name": "fish cat", "phrase": "a fish cat", "plural": "fish cats", "countable": true}]}
        """);
    Files.writeString(
        folder.resolve("sheets.jsonl"),
        """
        {"file": "one.jpg", "set": "reading", "things": [{"kind": "cat", "number": 2, "colour": "black"}, \
        {"kind": "flower pot", "number": 1}], "questions": [\
        {"kind": "what", "question": "what is here", "answer": "two cats and a flower pot"}, \
        {"kind": "count", "question": "how many cats are there", "answer": "two"}, \
        {"kind": "yes/no", "question": "is there a cat", "answer": "yes"}, \
        {"kind": "yes/no", "question": "is there a pot", "answer": "no"}, \
        {"kind": "nearer", "question": "never asked", "answer": "the cat"}]}
        {"file": "two.jpg", "set": "reading", "things": [{"kind": "cat", "number": 1, "colour": "red"}]}
        {"file": "two.jpg", "set": "deep", "questions": [\
        {"kind": "what", "question": "never asked either", "answer": "a cat"}, \
        {"kind": "nearer", "question": "which is nearer, the cat or the pot", "answer": "the cat"}]}
        """);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private final class Saying extends GenerationServiceGrpc.GenerationServiceImplBase {
    @Override
    public void caption(CaptionRequest request, StreamObserver<CaptionResponse> observer) {
      Image image = request.getItems(0).getContent().getImage();
      observer.onNext(
          CaptionResponse.newBuilder()
              .addResults(
                  CaptionResult.newBuilder()
                      .setCaption(
                          text(captions.getOrDefault(image.getContent().toStringUtf8(), ""))))
              .build());
      observer.onCompleted();
    }

    @Override
    public void answer(AnswerRequest request, StreamObserver<AnswerResponse> observer) {
      String question = request.getTurns(0).getParts(1).getText().getValue();
      asked.add(question);
      observer.onNext(
          AnswerResponse.newBuilder().setAnswer(text(answers.getOrDefault(question, ""))).build());
      observer.onCompleted();
    }

    private static GeneratedText text(String text) {
      return GeneratedText.newBuilder().setText(text).build();
    }
  }

  private ReadingExam exam() {
    return new ReadingExam(
        ExamSheets.read(folder), channel, ModelSelector.getDefaultInstance(), 10, _ -> {});
  }

  /// Named: cat and flower pot; fish cat. There: cat and flower pot; cat. Two are both.
  @Test
  void captionsAreCountedByTheThingsTheyName() {
    List<Measure> measures = exam().captions();

    assertThat(measures.get(0).value()).isEqualTo(2.0 * 2 / (3 + 3));
    assertThat(measures.get(1).value()).as("three cats for two, one flower pot").isEqualTo(0.5);
    assertThat(measures.get(1).cases()).isEqualTo(2);
    assertThat(measures.get(2).value()).as("the cats are painted, and said to be").isEqualTo(1);
    assertThat(measures.get(2).cases()).isEqualTo(1);
  }

  @Test
  void answersAreCountedByKindOfQuestion() {
    List<String> rows = exam().answers().stream().map(m -> m.name() + " " + m.value()).toList();

    assertThat(rows)
        .containsExactly(
            "questions: count 0.0",
            "questions: nearer 1.0",
            "questions: what 1.0",
            "questions: yes/no 1.0");
    assertThat(asked).hasSize(5).doesNotContain("never asked", "never asked either");
  }

  @Test
  void mentionsAreTheLongestNounsWithNumberAndColour() {
    Mentions mentions = new Mentions(ExamSheets.read(folder).world());

    Map<String, Mentions.Mention> said = mentions.in("two red flower pots, a kitty and five cats");

    assertThat(said).containsOnlyKeys("flower pot", "cat");
    assertThat(said.get("flower pot").number()).isEqualTo(2);
    assertThat(said.get("flower pot").colour()).isEqualTo(Optional.of("red"));
    assertThat(said.get("cat").number()).as("the first mention").isEqualTo(1);
    assertThat(mentions.in("scatter, potato")).isEmpty();
  }
}
