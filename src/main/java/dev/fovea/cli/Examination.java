package dev.fovea.cli;

import dev.fovea.cli.ExamSheets.Kind;
import dev.fovea.cli.ExamSheets.Sheet;
import dev.fovea.v1.Classification;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResult;
import dev.fovea.v1.Content;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.EstimateDepthResponse;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelList;
import dev.fovea.v1.LabelScore;
import dev.fovea.v1.MapRelevanceRequest;
import dev.fovea.v1.MapRelevanceResponse;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.Task;
import dev.fovea.v1.Text;
import io.grpc.Channel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Asks a running server about scenes of known truth, and counts.
final class Examination {
  private static final int BATCH = 16;
  private static final int RETRIEVED = 1000;

  private final ExamSheets exam;
  private final Channel channel;
  private final ModelSelector model;
  private final int most;
  private final Consumer<String> progress;
  private final ClassificationServiceGrpc.ClassificationServiceBlockingStub classification;
  private final EmbeddingServiceGrpc.EmbeddingServiceBlockingStub embedding;
  private final DensePredictionServiceGrpc.DensePredictionServiceBlockingStub dense;
  private final List<Measure> measures = new ArrayList<>();
  private final Map<String, Integer> confusions = new HashMap<>();

  /// @param most pictures of a set that are looked at
  /// @param progress told what is being measured
  Examination(
      ExamSheets exam, Channel channel, ModelSelector model, int most, Consumer<String> progress) {
    this.exam = exam;
    this.channel = channel;
    this.model = model;
    this.most = most;
    this.progress = progress;
    this.classification = ClassificationServiceGrpc.newBlockingStub(channel);
    this.embedding = EmbeddingServiceGrpc.newBlockingStub(channel);
    this.dense = DensePredictionServiceGrpc.newBlockingStub(channel);
  }

  /// Measures whatever the family can do and the sheets can tell.
  ///
  /// @param tasks what the family can do
  /// @param models its members
  List<Measure> run(Set<Task> tasks, Collection<String> models) {
    if (tasks.contains(Task.TASK_CLASSIFY)) {
      zeroShot(exam.of("one", most));
      styles(models);
      rejection("nothing", OptionalDouble.empty());
      rejection("photos", OptionalDouble.of(0.8));
      retrieval(exam.of("some", most));
    }
    if (tasks.contains(Task.TASK_MAP_RELEVANCE)) {
      presence(exam.of("reading", most), tasks.contains(Task.TASK_CLASSIFY));
    }
    if (tasks.contains(Task.TASK_ESTIMATE_DEPTH)) {
      depthOrder(exam.of("deep", most));
    }
    if (tasks.contains(Task.TASK_CLASSIFY_EMOTION)) {
      emotions();
    }
    if (tasks.contains(Task.TASK_CAPTION)) {
      measures.addAll(reading().captions());
    }
    if (tasks.contains(Task.TASK_ANSWER)) {
      measures.addAll(reading().answers());
    }
    return measures;
  }

  /// Captions and answers of the same server.
  ReadingExam reading() {
    return new ReadingExam(exam, channel, model, most, progress);
  }

  /// The most frequent mistakes among single things: `a taken for b`, and how often.
  List<Map.Entry<String, Integer>> confusions(int count) {
    return confusions.entrySet().stream()
        .sorted(
            Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(count)
        .toList();
  }

  /// One thing, one label: which of all kinds is it?
  private void zeroShot(List<Sheet> sheets) {
    if (sheets.isEmpty()) {
      return;
    }
    List<Classification> seen = namings(sheets);
    share(
        "zero-shot, one thing of " + kinds().size() + " kinds, all styles: top-1",
        named(sheets, seen, 1),
        sheets.size(),
        0.95);
    OptionalDouble none = OptionalDouble.empty();
    share("zero-shot, one thing: top-5", named(sheets, seen, 5), sheets.size(), none);
    long accepted = seen.stream().filter(one -> !one.getRejected()).count();
    share("one thing is accepted", accepted, sheets.size(), none);
    for (int i = 0; i < sheets.size(); i++) {
      String truth = sheets.get(i).things().getFirst().kind();
      String guess = seen.get(i).getScores(0).getLabel();
      if (!guess.equals(truth)) {
        confusions.merge(truth + " taken for " + guess, 1, Integer::sum);
      }
    }
  }

  /// The same question in styles that all models know, and in one that some have never seen.
  private void styles(Collection<String> models) {
    ExamSheets.Unseen unseen = exam.unseen();
    boolean transfer = unseen.by().stream().anyMatch(models::contains);
    style("known", "the other styles", OptionalDouble.empty(), OptionalDouble.empty());
    style("held-back", unseen.style(), target(0.65, transfer), target(0.85, transfer));
  }

  private void style(String set, String name, OptionalDouble first, OptionalDouble five) {
    List<Sheet> sheets = exam.of(set, most);
    if (!sheets.isEmpty()) {
      List<Classification> seen = namings(sheets);
      String what = "zero-shot, one thing, " + name;
      share(what + ": top-1", named(sheets, seen, 1), sheets.size(), first);
      share(what + ": top-5", named(sheets, seen, 5), sheets.size(), five);
    }
  }

  private List<Classification> namings(List<Sheet> sheets) {
    progress.accept("zero-shot: " + sheets.size() + " scenes of one thing");
    return classify(sheets, 5);
  }

  /// How many are among the best so many of their scores.
  private static long named(List<Sheet> sheets, List<Classification> seen, int best) {
    return IntStream.range(0, sheets.size())
        .filter(i ->
            seen.get(i).getScoresList().stream()
                .limit(best)
                .anyMatch(s -> s.getLabel().equals(sheets.get(i).things().getFirst().kind())))
        .count();
  }

  /// What the models do not know they should not name.
  private void rejection(String set, OptionalDouble target) {
    List<Sheet> sheets = exam.of(set, most);
    if (!sheets.isEmpty()) {
      progress.accept("rejection: " + sheets.size() + " of " + set);
      long rejected = classify(sheets, 1).stream().filter(Classification::getRejected).count();
      share(set + " is rejected", rejected, sheets.size(), target);
    }
  }

  private List<Classification> classify(List<Sheet> sheets, int topK) {
    LabelList.Builder labels = LabelList.newBuilder();
    for (Kind kind : kinds()) {
      labels.addLabels(Label.newBuilder().setName(kind.name()).addPrompts(kind.phrase()));
    }
    List<Classification> seen = new ArrayList<>();
    for (List<Sheet> batch : batches(sheets)) {
      ClassifyRequest.Builder request =
          ClassifyRequest.newBuilder()
              .setModel(model)
              .setLabelList(labels)
              .addAllHypothesisTemplates(exam.world().templates())
              .setTopK(topK);
      batch.forEach(sheet -> request.addItems(item(sheet)));
      for (ClassifyResult result : classification.classify(request.build()).getResultsList()) {
        if (result.hasError()) {
          throw refused(batch.get(result.getIndex()), result.getError().getStatus().getMessage());
        }
        seen.add(result.getClassification());
      }
    }
    return seen;
  }

  /// Scenes of two or three things and their captions: which belongs to which?
  private void retrieval(List<Sheet> some) {
    List<Sheet> sheets =
        some.stream().filter(sheet -> sheet.things().size() > 1).limit(RETRIEVED).toList();
    if (sheets.isEmpty()) {
      return;
    }
    progress.accept("retrieval: " + sheets.size() + " scenes of two or three things");
    List<float[]> images = embed(sheets.stream().map(this::item).toList());
    List<float[]> texts =
        embed(sheets.stream().map(sheet -> text(String.valueOf(sheet.caption()))).toList());
    String among = " among " + sheets.size();
    retrieval("image to text" + among, images, texts);
    retrieval("text to image" + among, texts, images);
  }

  private void retrieval(String name, List<float[]> queries, List<float[]> answers) {
    int first = 0;
    int ten = 0;
    for (int query = 0; query < queries.size(); query++) {
      double own = dot(queries.get(query), answers.get(query));
      int better = 0;
      for (float[] answer : answers) {
        better += dot(queries.get(query), answer) > own ? 1 : 0;
      }
      first += better == 0 ? 1 : 0;
      ten += better < 10 ? 1 : 0;
    }
    boolean comparable = queries.size() == RETRIEVED;
    share(name + ": recall@1", first, queries.size(), target(0.80, comparable));
    share(name + ": recall@10", ten, queries.size(), target(0.97, comparable));
  }

  /// Among fewer it is easier to be the best, and to know what one was trained on; no target is met
  /// by that.
  private static OptionalDouble target(double value, boolean comparable) {
    return comparable ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  private List<float[]> embed(List<Item> items) {
    List<float[]> vectors = new ArrayList<>();
    for (List<Item> batch : batches(items)) {
      EmbedRequest request = EmbedRequest.newBuilder().setModel(model).addAllItems(batch).build();
      for (EmbedResult result : embedding.embed(request).getResultsList()) {
        if (result.hasError()) {
          throw new UnreadableFileException(result.getError().getStatus().getMessage());
        }
        List<Float> values = result.getEmbedding().getVector().getFloats().getValuesList();
        float[] vector = new float[values.size()];
        for (int i = 0; i < vector.length; i++) {
          vector[i] = values.get(i);
        }
        vectors.add(vector);
      }
    }
    return vectors;
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /// Every kind is looked for in each scene: are those that are there the best, and is what a
  /// moderator asks for told from the rest?
  private void presence(List<Sheet> sheets, boolean whole) {
    if (sheets.isEmpty()) {
      return;
    }
    progress.accept("presence: " + sheets.size() + " scenes of one to four things");
    List<String> phrases = kinds().stream().map(Kind::phrase).toList();
    List<double[]> scores = new ArrayList<>();
    for (Sheet sheet : sheets) {
      scores.add(
          relevance(sheet, phrases, true).getMapsList().stream()
              .mapToDouble(map -> map.getBestScore())
              .toArray());
    }
    recall("its best patch", sheets, scores);
    if (whole) {
      recall("its best patch and the whole picture", sheets, withCosines(sheets, scores));
    }
    for (String category : exam.world().moderated()) {
      moderated(category, sheets, scores);
    }
  }

  /// The scores of the best patches and the cosines of whole pictures, added.
  private List<double[]> withCosines(List<Sheet> sheets, List<double[]> scores) {
    List<Classification> seen = classify(sheets, kinds().size());
    List<double[]> sums = new ArrayList<>();
    for (int i = 0; i < sheets.size(); i++) {
      double[] sum = scores.get(i).clone();
      for (LabelScore score : seen.get(i).getScoresList()) {
        sum[score.getLabelIndex()] += score.getCosine();
      }
      sums.add(sum);
    }
    return sums;
  }

  private void recall(String by, List<Sheet> sheets, List<double[]> scores) {
    int found = 0;
    int there = 0;
    for (int i = 0; i < sheets.size(); i++) {
      double[] best = scores.get(i);
      Set<Integer> present = present(sheets.get(i));
      there += present.size();
      found +=
          (int)
              IntStream.range(0, best.length)
                  .boxed()
                  .sorted(Comparator.comparingDouble(kind -> -best[kind]))
                  .limit(present.size())
                  .filter(present::contains)
                  .count();
    }
    share("presence of each of 1–4 kinds by " + by + ": recall@k", found, there, 0.92);
  }

  /// What an image has of a category is told by the best patch of the best of its kinds.
  private void moderated(String category, List<Sheet> sheets, List<double[]> scores) {
    int[] members =
        IntStream.range(0, kinds().size())
            .filter(kind -> kinds().get(kind).category().equals(category))
            .toArray();
    List<Double> with = new ArrayList<>();
    List<Double> without = new ArrayList<>();
    for (int i = 0; i < sheets.size(); i++) {
      double[] score = scores.get(i);
      double best = Arrays.stream(members).mapToDouble(kind -> score[kind]).max().orElse(-1);
      Set<Integer> present = present(sheets.get(i));
      boolean shown = Arrays.stream(members).anyMatch(present::contains);
      (shown ? with : without).add(best);
    }
    if (!with.isEmpty() && !without.isEmpty()) {
      measures.add(
          Measure.score(
              "moderator's " + category + ", area under the curve",
              Measure.areaUnderCurve(with, without),
              with.size(),
              OptionalDouble.of(0.97)));
    }
  }

  private Set<Integer> present(Sheet sheet) {
    Set<Integer> present = new HashSet<>();
    sheet.things().forEach(thing -> present.add(exam.world().indexOf(thing.kind())));
    return present;
  }

  /// Where texts fit a scene.
  MapRelevanceResponse relevance(Sheet sheet, List<String> texts, boolean bestOnly) {
    return dense.mapRelevance(
        MapRelevanceRequest.newBuilder()
            .setModel(model)
            .setImage(image(sheet))
            .addAllTexts(texts)
            .addAllHypothesisTemplates(exam.world().templates())
            .setBestOnly(bestOnly)
            .build());
  }

  /// How far away things are in a scene.
  EstimateDepthResponse depth(Sheet sheet) {
    return dense.estimateDepth(
        EstimateDepthRequest.newBuilder().setModel(model).setImage(image(sheet)).build());
  }

  /// Of two things, the one whose points have the lesser median is taken to be nearer.
  private void depthOrder(List<Sheet> sheets) {
    int right = 0;
    int pairs = 0;
    progress.accept("depth: " + sheets.size() + " scenes in perspective");
    for (Sheet sheet : sheets) {
      EstimateDepthResponse depth = depth(sheet);
      for (ExamSheets.Pair pair : sheet.order()) {
        right += median(depth, pair.near()) < median(depth, pair.far()) ? 1 : 0;
        pairs++;
      }
    }
    if (pairs > 0) {
      share("depth: order of two things", right, pairs, 0.90);
    }
  }

  private static double median(EstimateDepthResponse depth, List<List<Double>> points) {
    GridGeometry grid = depth.getGeometry();
    double[] depths =
        points.stream()
            .mapToDouble(point -> {
              int column = (int) Math.min(point.get(0) * grid.getColumns(), grid.getColumns() - 1);
              int row = (int) Math.min(point.get(1) * grid.getRows(), grid.getRows() - 1);
              return depth.getDepths(row * grid.getColumns() + column);
            })
            .sorted()
            .toArray();
    return depths[depths.length / 2];
  }

  private void emotions() {
    List<Sheet> sheets = new ArrayList<>(exam.of("faces", most));
    sheets.removeIf(sheet -> String.valueOf(sheet.emotion()).isEmpty());
    if (sheets.isEmpty()) {
      return;
    }
    progress.accept("emotion: " + sheets.size() + " faces");
    List<String> truth = sheets.stream().map(sheet -> String.valueOf(sheet.emotion())).toList();
    List<String> guessed = new ArrayList<>();
    String set = model.getModel() + "/emotion";
    for (List<Sheet> batch : batches(sheets)) {
      ClassifyRequest.Builder request =
          ClassifyRequest.newBuilder().setModel(model).setLabelSet(set).setTopK(1);
      batch.forEach(sheet -> request.addItems(item(sheet)));
      for (ClassifyResult result : classification.classify(request.build()).getResultsList()) {
        if (result.hasError()) {
          throw refused(batch.get(result.getIndex()), result.getError().getStatus().getMessage());
        }
        guessed.add(result.getClassification().getScores(0).getLabel());
      }
    }
    List<String> felt =
        exam.world().emotions().stream().filter(emotion -> !emotion.equals("none")).toList();
    measures.add(
        Measure.score(
            "emotion of a face, macro F1 over " + felt.size(),
            Measure.macroF1(truth, guessed, felt),
            sheets.size(),
            OptionalDouble.of(0.80)));
  }

  private List<Kind> kinds() {
    return exam.world().kinds();
  }

  private Image image(Sheet sheet) {
    return Image.newBuilder().setContent(exam.bytes(sheet)).build();
  }

  private Item item(Sheet sheet) {
    return Item.newBuilder().setContent(Content.newBuilder().setImage(image(sheet))).build();
  }

  private static Item text(String text) {
    return Item.newBuilder()
        .setContent(Content.newBuilder().setText(Text.newBuilder().setValue(text)))
        .build();
  }

  private void share(String name, long right, int cases, double target) {
    share(name, right, cases, OptionalDouble.of(target));
  }

  private void share(String name, long right, int cases, OptionalDouble target) {
    measures.add(Measure.share(name, right, cases, target));
  }

  private static UnreadableFileException refused(Sheet sheet, String message) {
    return new UnreadableFileException(sheet.file() + ": refused (" + message + ")");
  }

  private static <T> List<List<T>> batches(List<T> all) {
    List<List<T>> batches = new ArrayList<>();
    for (int from = 0; from < all.size(); from += BATCH) {
      batches.add(all.subList(from, Math.min(all.size(), from + BATCH)));
    }
    return batches;
  }
}
