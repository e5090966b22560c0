package dev.fovea.cli;

import dev.fovea.cli.ExamSheets.Kind;
import dev.fovea.cli.ExamSheets.Question;
import dev.fovea.cli.ExamSheets.Sheet;
import dev.fovea.v1.EstimateDepthResponse;
import dev.fovea.v1.MapRelevanceResponse;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelMember;
import dev.fovea.v1.RelevanceMap;
import dev.fovea.v1.Task;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The page that tells how good the models are: the table, the mistakes, and scenes to look at with
/// what the models say of them, right or wrong.
final class ReportPage {
  private static final int SCENES = 24;
  private static final int QUESTIONS = 4;
  private static final int LONGEST = 112;

  private final Path page;
  private final Path pictures;
  private final ExamSheets exam;
  private final Examination examination;
  private final Set<Task> tasks;

  /// @param page the Markdown file; pictures go into the folder beside it that has its name
  ReportPage(Path page, ExamSheets exam, Examination examination, Set<Task> tasks) {
    this.page = page;
    String name = page.getFileName().toString();
    int dot = name.lastIndexOf('.');
    this.pictures = page.resolveSibling(dot > 0 ? name.substring(0, dot) : name + "-pictures");
    this.exam = exam;
    this.examination = examination;
    this.tasks = tasks;
  }

  static String table(List<Measure> measures) {
    return "| measure | value | 95 % interval | cases | target |\n|---|---|---|---|---|\n"
        + measures.stream().map(Measure::row).collect(Collectors.joining("\n"));
  }

  /// @param mine what the family reached
  /// @param others what other models reached
  /// @param curves how they learned it
  /// @throws UnreadableFileException when it cannot be written
  void write(
      ModelFamily family,
      SavedMeasures mine,
      List<SavedMeasures> others,
      List<Map.Entry<String, Integer>> confusions,
      List<LearningCurves> curves) {
    StringBuilder text = new StringBuilder();
    text.append("# How good the models of ").append(family.getName()).append(" are\n\n");
    text.append(
        """
        Written by `./fovea eval FOLDER --report` from what a running server answered. The scenes \
        are made by `training/python -m pico.sheets`, from seeds that no training uses; intervals \
        are Wilson's, 95 %.

        """);
    for (ModelMember member : family.getMembersList()) {
      String digest = member.getRef().getArtifactDigest();
      text.append("- `")
          .append(member.getRef().getModel())
          .append("` version ")
          .append(member.getRef().getVersion())
          .append(", SHA-256 ")
          .append(digest, 0, Math.min(12, digest.length()))
          .append("…\n");
    }
    text.append("\n## Measures\n\n").append(table(mine.measures())).append('\n');
    if (!others.isEmpty()) {
      List<SavedMeasures> all = new ArrayList<>(List.of(mine));
      all.addAll(others);
      text.append("\n## Side by side\n\n").append(SavedMeasures.table(all)).append('\n');
      ExamSheets.Unseen unseen = exam.unseen();
      if (!unseen.by().isEmpty()) {
        text.append("\nNot trained on ")
            .append(unseen.style())
            .append(": ")
            .append(String.join(", ", unseen.by()))
            .append(". Any other was, so there it shows no transfer.\n");
      }
    }
    text.append("\n## What is most often mistaken\n\n");
    confusions.forEach(
        c -> text.append("- ").append(c.getKey()).append(": ").append(c.getValue()).append('\n'));
    for (int i = 0; i < curves.size(); i++) {
      LearningCurves one = curves.get(i);
      String name = "curve-" + i + ".svg";
      one.write(pictures.resolve(name));
      text.append(i == 0 ? "\n## How they learned\n" : "")
          .append("\n![")
          .append(one.title())
          .append("](")
          .append(pictures.getFileName())
          .append('/')
          .append(name)
          .append(")\n");
    }
    gallery(text);
    try {
      Path folder = page.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      Files.writeString(page, text);
    } catch (IOException e) {
      throw new UnreadableFileException(page + ": cannot be written (" + e.getMessage() + ")");
    }
  }

  private void gallery(StringBuilder text) {
    List<Sheet> sheets = new ArrayList<>(exam.of("reading", SCENES / 2));
    sheets.addAll(exam.of("deep", SCENES - sheets.size()));
    if (sheets.isEmpty() || !tasks.contains(Task.TASK_MAP_RELEVANCE)) {
      return;
    }
    text.append(
            "\n## Scenes\n\nNot chosen: the first of each set. Beside a scene, where the models see ")
        .append("what is in it, from blue to red; last, what is near (red) and far (blue).\n");
    for (int i = 0; i < sheets.size(); i++) {
      text.append('\n').append(scene(sheets.get(i), String.format(Locale.ROOT, "%02d.jpg", i)));
    }
  }

  private String scene(Sheet sheet, String name) {
    List<String> there = sheet.things().stream().map(ExamSheets.Thing::kind).toList();
    List<Kind> kinds =
        there.stream().map(kind -> exam.world().kinds().get(exam.world().indexOf(kind))).toList();
    MapRelevanceResponse relevance =
        examination.relevance(sheet, kinds.stream().map(Kind::phrase).toList(), false);
    HeatMap picture = HeatMap.over(exam.folder().resolve(sheet.file()), 1, LONGEST);
    List<BufferedImage> row = new ArrayList<>(List.of(picture.picture()));
    for (RelevanceMap map : relevance.getMapsList()) {
      row.add(picture.draw(relevance.getGeometry(), map.getScoresList(), 0, 0.8));
    }
    if (tasks.contains(Task.TASK_ESTIMATE_DEPTH)) {
      EstimateDepthResponse depth = examination.depth(sheet);
      row.add(picture.draw(depth.getGeometry(), depth.getDepthsList(), 1, 0));
    }
    HeatMap.write(HeatMap.beside(row, row.size()), pictures.resolve(name));
    String maps =
        relevance.getMapsList().stream()
            .map(map -> String.format(Locale.ROOT, "%.2f", map.getBestScore()))
            .collect(Collectors.joining(", "));
    return "![%s](%s/%s)\n\nIn it: %s. Best scores: %s.\n%s"
        .formatted(
            sheet.caption(),
            pictures.getFileName(),
            name,
            kinds.stream().map(Kind::phrase).collect(Collectors.joining(", ")),
            maps,
            said(sheet));
  }

  /// What is said of a scene, and answered to the first questions about it.
  private String said(Sheet sheet) {
    StringBuilder said = new StringBuilder();
    if (tasks.contains(Task.TASK_CAPTION)) {
      said.append("\nCaption: *").append(examination.reading().caption(sheet)).append("*\n");
    }
    if (tasks.contains(Task.TASK_ANSWER)) {
      for (Question question : sheet.questions().stream().limit(QUESTIONS).toList()) {
        String answer = examination.reading().answer(sheet, question.question());
        said.append("\n- ").append(question.question()).append(" *").append(answer).append('*');
        if (!answer.equals(question.answer())) {
          said.append(" (true: ").append(question.answer()).append(')');
        }
      }
      said.append('\n');
    }
    return said.toString();
  }
}
