package dev.fovea.cli;

import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.Task;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `fovea eval`: how well the models do, measured through the service that serves them.
@Command(
    name = "eval",
    description = {
      "Measures how well the models do on scenes whose truth is known.",
      "Make them with: training/python -m pico.sheets --out FOLDER"
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class EvalCommand extends ServerCommand {
  private static final int CONFUSIONS = 12;

  @Parameters(paramLabel = "FOLDER", description = "The scenes, and what is true of them")
  private Path folder = Path.of("");

  @Option(names = "--model", defaultValue = "pico", description = "A family. Default: pico")
  private String model = "";

  @Option(
      names = "--most",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Scenes of a set that are looked at. Default: 2000")
  private int most;

  @Option(
      names = "--report",
      paramLabel = "PAGE",
      description =
          "Write a Markdown page with a gallery; its pictures go into a folder of its name")
  private @Nullable Path report;

  @Option(
      names = "--curves",
      paramLabel = "FILE",
      description = "Learning curves that the page shows; training/curves has them")
  private List<Path> curves = List.of();

  @Option(
      names = "--beside",
      paramLabel = "FILE",
      description = "What another model reached (--save), for a table of both on the page")
  private List<Path> beside = List.of();

  @Option(
      names = "--save",
      paramLabel = "FILE",
      description = "Write what was measured, for --beside of another model's page")
  private @Nullable Path save;

  @Override
  int call(ManagedChannel channel) {
    ExamSheets exam = ExamSheets.read(folder);
    List<SavedMeasures> others = beside.stream().map(SavedMeasures::read).toList();
    List<LearningCurves> learned = curves.stream().map(LearningCurves::read).toList();
    ModelFamily family =
        withDeadline(ModelServiceGrpc.newBlockingStub(channel))
            .getModel(GetModelRequest.newBuilder().setModel(model).build())
            .getFamily();
    Examination examination =
        new Examination(exam, channel, selector(family.getName()), most, this::progress);
    Set<Task> tasks = EnumSet.noneOf(Task.class);
    tasks.addAll(family.getTasksList());
    List<String> models =
        family.getMembersList().stream().map(member -> member.getRef().getModel()).toList();
    List<Measure> measures = examination.run(tasks, models);
    List<Map.Entry<String, Integer>> confusions = examination.confusions(CONFUSIONS);
    out().println(ReportPage.table(measures));
    confusions.forEach(c -> out().println(c.getKey() + ": " + c.getValue()));
    SavedMeasures mine = new SavedMeasures(models.getFirst(), measures);
    if (save != null) {
      mine.write(save);
    }
    if (report != null) {
      new ReportPage(report, exam, examination, tasks)
          .write(family, mine, others, confusions, learned);
      out().println(report);
    }
    return measures.stream().allMatch(Measure::isMet) ? 0 : Complaint.REFUSED;
  }

  private void progress(String line) {
    err().println(line);
  }
}
