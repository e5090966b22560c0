package dev.fovea.cli;

import dev.fovea.cli.ExamSheets.Question;
import dev.fovea.cli.ExamSheets.Sheet;
import dev.fovea.cli.ExamSheets.Thing;
import dev.fovea.cli.Mentions.Mention;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionStyle;
import dev.fovea.v1.Content;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.Text;
import dev.fovea.v1.Turn;
import dev.fovea.v1.TurnRole;
import io.grpc.Channel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/// Has scenes of known truth captioned and asked about, and counts.
final class ReadingExam {
  /// What is aimed at, by the name of a line: several kinds of question are one line.
  private static final Map<String, OptionalDouble> TARGETS =
      Map.of(
          "what", OptionalDouble.of(0.90),
          "colour", OptionalDouble.of(0.90),
          "yes/no", OptionalDouble.of(0.90),
          "count", OptionalDouble.of(0.80),
          "relation", OptionalDouble.of(0.80),
          "nearer", OptionalDouble.of(0.85));

  private static final List<String> RELATIONS = List.of("beside", "over", "what beside");

  private final ExamSheets exam;
  private final ModelSelector model;
  private final int most;
  private final Consumer<String> progress;
  private final Mentions mentions;
  private final GenerationServiceGrpc.GenerationServiceBlockingStub service;

  ReadingExam(
      ExamSheets exam, Channel channel, ModelSelector model, int most, Consumer<String> progress) {
    this.exam = exam;
    this.model = model;
    this.most = most;
    this.progress = progress;
    this.mentions = new Mentions(exam.world());
    this.service = GenerationServiceGrpc.newBlockingStub(channel);
  }

  /// Whether captions name what is there and nothing else, with its number and colour.
  List<Measure> captions() {
    List<Sheet> sheets = exam.of("reading", most);
    if (sheets.isEmpty()) {
      return List.of();
    }
    progress.accept("captions: " + sheets.size() + " scenes of one to four things");
    int hits = 0;
    int namedAndPresent = 0;
    Tally counts = new Tally();
    Tally colours = new Tally();
    for (Sheet sheet : sheets) {
      Map<String, Mention> said = mentions.in(caption(sheet));
      namedAndPresent += said.size() + sheet.things().size();
      for (Thing thing : sheet.things()) {
        Mention mention = said.get(thing.kind());
        if (mention != null) {
          hits++;
          if (mention.kind().countable()) {
            counts.add(mention.number() == thing.number());
          }
          String colour = thing.colour();
          if (colour != null) {
            colours.add(mention.colour().filter(colour::equals).isPresent());
          }
        }
      }
    }
    return List.of(
        Measure.score(
            "captions, things named: F1",
            2.0 * hits / Math.max(1, namedAndPresent),
            sheets.size(),
            OptionalDouble.of(0.90)),
        counts.measure("captions, counts of the things named", OptionalDouble.of(0.80)),
        colours.measure("captions, colours of painted things named", OptionalDouble.of(0.85)));
  }

  /// What the caption service says of a scene.
  String caption(Sheet sheet) {
    return service
        .caption(
            CaptionRequest.newBuilder()
                .setModel(model)
                .addItems(Item.newBuilder().setContent(Content.newBuilder().setImage(image(sheet))))
                .setStyle(CaptionStyle.CAPTION_STYLE_DETAILED)
                .build())
        .getResults(0)
        .getCaption()
        .getText();
  }

  /// Whether questions are answered word for word; things that are listed may come in any order.
  List<Measure> answers() {
    Map<String, Tally> tallies = new LinkedHashMap<>();
    TARGETS.keySet().stream().sorted().forEach(kind -> tallies.put(kind, new Tally()));
    for (String set : List.of("reading", "deep", "faces")) {
      List<Sheet> sheets = exam.of(set, most);
      progress.accept("questions: " + sheets.size() + " scenes of " + set);
      for (Sheet sheet : sheets) {
        for (Question question : sheet.questions()) {
          if (isOf(set, question.kind())) {
            tallies
                .computeIfAbsent(line(question.kind()), _ -> new Tally())
                .add(isRight(question, answer(sheet, question.question())));
          }
        }
      }
    }
    List<Measure> measures = new ArrayList<>();
    tallies.forEach((kind, tally) -> {
      if (tally.cases > 0) {
        OptionalDouble target = TARGETS.getOrDefault(kind, OptionalDouble.empty());
        measures.add(tally.measure("questions: " + kind, target));
      }
    });
    return measures;
  }

  /// Nearness is asked for where there is depth, emotion where there are faces, all else elsewhere.
  private static boolean isOf(String set, String kind) {
    return switch (kind) {
      case "nearer" -> set.equals("deep");
      case "emotion" -> set.equals("faces");
      default -> set.equals("reading");
    };
  }

  private static String line(String kind) {
    return RELATIONS.contains(kind) ? "relation" : kind;
  }

  private boolean isRight(Question question, String answer) {
    return question.kind().equals("what")
        ? numbers(answer).equals(numbers(question.answer()))
        : answer.equals(question.answer());
  }

  private Map<String, Integer> numbers(String text) {
    Map<String, Integer> numbers = new LinkedHashMap<>();
    mentions.in(text).forEach((kind, mention) -> numbers.put(kind, mention.number()));
    return numbers;
  }

  /// What the answer service says to a question about a scene.
  String answer(Sheet sheet, String question) {
    return service
        .answer(
            AnswerRequest.newBuilder()
                .setModel(model)
                .addTurns(
                    Turn.newBuilder()
                        .setRole(TurnRole.TURN_ROLE_USER)
                        .addParts(Content.newBuilder().setImage(image(sheet)))
                        .addParts(
                            Content.newBuilder().setText(Text.newBuilder().setValue(question))))
                .build())
        .getAnswer()
        .getText();
  }

  private Image image(Sheet sheet) {
    return Image.newBuilder().setContent(exam.bytes(sheet)).build();
  }

  /// How often something was right.
  private static final class Tally {
    private int right;
    private int cases;

    void add(boolean isRight) {
      right += isRight ? 1 : 0;
      cases++;
    }

    Measure measure(String name, OptionalDouble target) {
      return Measure.share(name, right, cases, target);
    }
  }
}
