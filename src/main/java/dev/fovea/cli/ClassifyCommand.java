package dev.fovea.cli;

import dev.fovea.v1.Classification;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyMode;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.ClassifyResult;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelList;
import dev.fovea.v1.LabelScore;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `fovea classify`: which of some labels fit an image.
@Command(
    name = "classify",
    description = "Says which of your own labels, or of a set of labels, fit an image.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ClassifyCommand extends ServerCommand {
  private static final int BAR = 24;

  @Parameters(
      paramLabel = ImageArguments.LABEL,
      arity = "1..*",
      description = "Image files, or handles that fovea upload gave")
  private List<String> images = new ArrayList<>();

  @Mixin private final ImageArguments arguments = new ImageArguments();

  @ArgGroup(multiplicity = "1")
  private LabelsOrSet which = new LabelsOrSet();

  /// Where the labels come from.
  private static final class LabelsOrSet {
    @Option(
        names = "--labels",
        required = true,
        split = ",",
        description = "Labels, separated by commas")
    private List<String> labels = new ArrayList<>();

    @Option(
        names = "--label-set",
        required = true,
        paramLabel = "NAME",
        description = "A set that the server keeps, or a family's own, as pico/emotion")
    private String labelSet = "";
  }

  @Option(
      names = "--multi",
      description = "Labels do not exclude each other: each has a probability of its own")
  private boolean multi;

  @Option(
      names = "--template",
      description = "A sentence around a label, with {} for it; may be given several times")
  private List<String> templates = new ArrayList<>();

  @Option(names = "--top-k", defaultValue = "10", description = "Most labels told. Default: 10")
  private int topK;

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  @Override
  int call(ManagedChannel channel) {
    ClassifyRequest.Builder request =
        ClassifyRequest.newBuilder()
            .setModel(selector(model))
            .addAllHypothesisTemplates(templates)
            .setMode(
                multi
                    ? ClassifyMode.CLASSIFY_MODE_MULTI_LABEL
                    : ClassifyMode.CLASSIFY_MODE_SINGLE_LABEL)
            .setTopK(topK);
    if (which.labelSet.isEmpty()) {
      request.setLabelList(labelList());
    } else {
      request.setLabelSet(which.labelSet);
    }
    images.forEach(image -> request.addItems(arguments.item(image)));
    ClassifyResponse response =
        withDeadline(ClassificationServiceGrpc.newBlockingStub(channel)).classify(request.build());
    if (!toldAsJson(response)) {
      response.getResultsList().forEach(this::tell);
      tell(response.getCallInfo());
    }
    boolean refused = response.getResultsList().stream().anyMatch(ClassifyResult::hasError);
    return refused ? Complaint.REFUSED : 0;
  }

  private LabelList labelList() {
    LabelList.Builder list = LabelList.newBuilder();
    which.labels.stream()
        .map(String::strip)
        .filter(label -> !label.isEmpty())
        .forEach(label -> list.addLabels(Label.newBuilder().setName(label)));
    return list.build();
  }

  private void tell(ClassifyResult result) {
    if (result.hasError()) {
      out().println(result.getId() + ": " + Complaint.describe(result.getError().getStatus()));
      return;
    }
    Classification classification = result.getClassification();
    out()
        .println(
            result.getId()
                + (classification.getRejected() ? ": none of these, but nearest are" : ":"));
    int width =
        classification.getScoresList().stream()
            .mapToInt(s -> s.getLabel().length())
            .max()
            .orElse(0);
    for (LabelScore score : classification.getScoresList()) {
      int filled = Math.round(score.getProbability() * BAR);
      out()
          .println(
              String.format(
                  Locale.ROOT,
                  "  %-" + Math.max(1, width) + "s  %6.2f %%  %s%s%s",
                  score.getLabel(),
                  100 * score.getProbability(),
                  "█".repeat(filled),
                  "·".repeat(BAR - filled),
                  score.getCosine() == 0
                      ? ""
                      : String.format(Locale.ROOT, "  cosine %.3f", score.getCosine())));
    }
  }
}
