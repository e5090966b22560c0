package dev.fovea.rpc;

import dev.fovea.call.Caller;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.store.LabelSet;
import dev.fovea.task.CallRecord;
import dev.fovea.task.Classification;
import dev.fovea.task.ClassifyEmotions;
import dev.fovea.task.ClassifyImages;
import dev.fovea.task.Content;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.FamilyLabelSet;
import dev.fovea.task.LabelPrompts;
import dev.fovea.task.ModelSelector;
import dev.fovea.task.Task;
import dev.fovea.v1.Activation;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.ClassifyResponse;
import dev.fovea.v1.ClassifyResult;
import dev.fovea.v1.Item;
import dev.fovea.v1.LabelScore;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// `fovea.v1.ClassificationService`.
final class ClassificationRpc extends ClassificationServiceGrpc.ClassificationServiceImplBase {
  private static final Set<Task> CLASSIFY = EnumSet.of(Task.CLASSIFY);
  private static final Set<Task> CLASSIFY_EMOTION = EnumSet.of(Task.CLASSIFY_EMOTION);
  private static final int DEFAULT_TOP_K = 10;
  private static final int MAX_TOP_K = 4096;

  private final Services services;
  private final ClassifyImages classifyImages;
  private final ClassifyEmotions classifyEmotions;
  private final ItemReader items;
  private final LabelReader labels;

  ClassificationRpc(Services services) {
    this.services = services;
    this.classifyImages = new ClassifyImages(services.embedItems(), services.labelSets());
    this.classifyEmotions = new ClassifyEmotions(services.encodeItems());
    this.items = services.itemReader();
    this.labels = new LabelReader(services.limits());
  }

  @Override
  public void classify(ClassifyRequest request, StreamObserver<ClassifyResponse> observer) {
    UnaryCalls.serve(
        observer,
        call -> services.admit(call, request.getItemsCount(), record -> classify(request, record)));
  }

  private ClassifyResponse classify(ClassifyRequest request, CallRecord record)
      throws InterruptedException {
    RequestLimits.requireCount("items", request.getItemsCount(), services.limits().maxItems());
    return FamilyLabelSets.isName(request.getLabelSet())
        ? byFamilyLabelSet(request, record)
        : byPrompts(request, record);
  }

  private ClassifyResponse byPrompts(ClassifyRequest request, CallRecord record)
      throws InterruptedException {
    ServedFamily family =
        services.catalog().get().select(SelectorReader.read(request.getModel()), CLASSIFY);
    ClassifyImages.Criteria criteria = criteria(request, family);
    return write(
        request,
        classifyImages.run(family, images(request, record.call().caller()), criteria, record),
        criteria.labels().stream().map(LabelPrompts::name).toList(),
        record);
  }

  private ClassifyResponse byFamilyLabelSet(ClassifyRequest request, CallRecord record)
      throws InterruptedException {
    FamilyCatalog catalog = services.catalog().get();
    FamilyLabelSet set = FamilyLabelSets.require(catalog, request.getLabelSet());
    requireFamilyLabelSet(request, set);
    ModelSelector selector = SelectorReader.read(request.getModel());
    String family = set.family().family().name();
    ServedFamily meant = catalog.select(selector.orFamily(family), CLASSIFY_EMOTION);
    if (!meant.family().name().equals(family)) {
      throw GatewayException.invalidField(
          "model.model", selector.model(), family + ", whose label set it is, or nothing");
    }
    return write(
        request,
        classifyEmotions.run(set, images(request, record.call().caller()), report(request), record),
        set.labels(),
        record);
  }

  /// Labels that a model was trained to tell apart have no prompts, no vectors, and exclude each
  /// other.
  private static void requireFamilyLabelSet(ClassifyRequest request, FamilyLabelSet set) {
    if (request.getHypothesisTemplatesCount() > 0) {
      throw GatewayException.invalidField(
          "hypothesis_templates",
          request.getHypothesisTemplatesCount() + " templates",
          "none, as labels of " + set.name() + " are no prompts");
    }
    if (request.hasRejectionThreshold()) {
      throw GatewayException.invalidField(
          "rejection_threshold",
          request.getRejectionThreshold(),
          "nothing, as labels of " + set.name() + " have no cosine");
    }
    if (activation(request) != Classification.Activation.SOFTMAX) {
      throw new GatewayException(
              Reason.TASK_NOT_SUPPORTED, "labels of " + set.name() + " exclude each other")
          .with("model", set.family().family().name())
          .with("task", Task.CLASSIFY_EMOTION.name());
    }
  }

  private static ClassifyResponse write(
      ClassifyRequest request,
      List<Outcome<Classification>> classifications,
      List<String> labels,
      CallRecord record) {
    ClassifyResponse.Builder response = ClassifyResponse.newBuilder();
    for (int i = 0; i < classifications.size(); i++) {
      Item item = request.getItems(i);
      ClassifyResult.Builder result = ClassifyResult.newBuilder().setIndex(i).setId(item.getId());
      switch (classifications.get(i)) {
        case Outcome.Done<Classification>(Classification classification) ->
            result.setClassification(write(classification, labels));
        case Outcome.Failed<Classification>(GatewayException refusal) ->
            result.setError(
                ReplyWriter.itemError(
                    ItemReader.locate(refusal, item).under("items[" + i + "]"), record));
      }
      response.addResults(result);
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private List<Outcome<Content>> images(ClassifyRequest request, Caller caller) {
    List<Outcome<Content>> images = new ArrayList<>();
    for (Outcome<Content> content : items.read(request.getItemsList(), caller)) {
      images.add(content.then(ClassificationRpc::requireImage));
    }
    return images;
  }

  private static Content requireImage(Content content) {
    return switch (content) {
      case Content.Image image -> image;
      case Content.Text _ -> throw GatewayException.invalidField("content", "a text", "an image");
    };
  }

  private ClassifyImages.Criteria criteria(ClassifyRequest request, ServedFamily family) {
    Optional<LabelSet> set = labelSet(request);
    List<LabelPrompts> read =
        set.isPresent() ? ClassifyImages.Criteria.labels(set.get()) : labelList(request);
    ClassifyImages.Criteria criteria =
        new ClassifyImages.Criteria(
            read,
            set,
            labels.templates(request.getHypothesisTemplatesList()),
            activation(request),
            report(request),
            request.hasRejectionThreshold()
                ? OptionalDouble.of(
                    number("rejection_threshold", request.getRejectionThreshold(), -1, 1))
                : OptionalDouble.empty());
    labels.requirePrompts(
        set.isPresent() ? "label_set.labels" : "label_list.labels",
        read,
        criteria.templates(family.family().space().orElseThrow()).size());
    return criteria;
  }

  private Optional<LabelSet> labelSet(ClassifyRequest request) {
    return request.hasLabelSet()
        ? Optional.of(services.labelSets().require(request.getLabelSet()))
        : Optional.empty();
  }

  private List<LabelPrompts> labelList(ClassifyRequest request) {
    if (!request.hasLabelList()) {
      throw GatewayException.invalidField("labels", "nothing", "label_list or label_set");
    }
    try {
      return labels.labels(request.getLabelList().getLabelsList());
    } catch (GatewayException refusal) {
      throw refusal.under("label_list");
    }
  }

  private static Classification.Activation activation(ClassifyRequest request) {
    return switch (request.getMode()) {
      case CLASSIFY_MODE_UNSPECIFIED, CLASSIFY_MODE_SINGLE_LABEL ->
          Classification.Activation.SOFTMAX;
      case CLASSIFY_MODE_MULTI_LABEL -> Classification.Activation.SIGMOID;
      case UNRECOGNIZED ->
          throw GatewayException.invalidField("mode", request.getModeValue(), "a known mode");
    };
  }

  private static Classification.Report report(ClassifyRequest request) {
    return new Classification.Report(
        topK(request),
        request.hasMinScore() ? number("min_score", request.getMinScore(), 0, 1) : 0);
  }

  private static int topK(ClassifyRequest request) {
    if (!request.hasTopK()) {
      return DEFAULT_TOP_K;
    }
    int topK = request.getTopK();
    if (topK < 1 || topK > MAX_TOP_K) {
      throw GatewayException.invalidField(
          "top_k", Integer.toUnsignedLong(topK), "1 to " + MAX_TOP_K);
    }
    return topK;
  }

  private static double number(String field, float value, double min, double max) {
    if (!(value >= min && value <= max)) {
      throw GatewayException.invalidField(
          field, value, "a number, %s to %s".formatted((long) min, (long) max));
    }
    return value;
  }

  private static dev.fovea.v1.Classification write(
      Classification classification, List<String> labels) {
    dev.fovea.v1.Classification.Builder written =
        dev.fovea.v1.Classification.newBuilder()
            .setActivation(
                switch (classification.activation()) {
                  case SOFTMAX -> Activation.ACTIVATION_SOFTMAX;
                  case SIGMOID -> Activation.ACTIVATION_SIGMOID;
                })
            .setRejected(classification.rejected());
    for (Classification.LabelScore score : classification.scores()) {
      written.addScores(
          LabelScore.newBuilder()
              .setLabel(labels.get(score.label()))
              .setLabelIndex(score.label())
              .setCosine((float) score.cosine())
              .setLogit((float) score.logit())
              .setProbability((float) score.probability()));
    }
    return written.build();
  }
}
