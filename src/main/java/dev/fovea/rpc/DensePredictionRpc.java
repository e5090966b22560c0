package dev.fovea.rpc;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ProcessorInfo;
import dev.fovea.model.Role;
import dev.fovea.task.CallRecord;
import dev.fovea.task.Content;
import dev.fovea.task.EstimateDepth;
import dev.fovea.task.ExtractPatchFeatures;
import dev.fovea.task.GridOnImage;
import dev.fovea.task.MapRelevance;
import dev.fovea.task.PatchVectors;
import dev.fovea.task.Task;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.EstimateDepthResponse;
import dev.fovea.v1.ExtractPatchFeaturesRequest;
import dev.fovea.v1.ExtractPatchFeaturesResponse;
import dev.fovea.v1.Image;
import dev.fovea.v1.MapRelevanceRequest;
import dev.fovea.v1.MapRelevanceResponse;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.RelevanceMap;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Set;

/// `fovea.v1.DensePredictionService`.
final class DensePredictionRpc extends DensePredictionServiceGrpc.DensePredictionServiceImplBase {
  /// Scores of one answer: 16 MiB.
  private static final long MAX_SCORES = 1L << 22;

  private static final List<String> AS_IT_IS = List.of("{}");

  private final Services services;
  private final ImageReader images;
  private final LabelReader labels;
  private final MapRelevance mapRelevance;
  private final EstimateDepth estimateDepth;
  private final ExtractPatchFeatures extractPatchFeatures;

  DensePredictionRpc(Services services) {
    this.services = services;
    this.images = services.imageReader();
    this.labels = new LabelReader(services.limits());
    this.mapRelevance =
        new MapRelevance(services.encodeItems(), services.embedItems(), services.cpu());
    this.estimateDepth = new EstimateDepth(services.encodeItems());
    this.extractPatchFeatures = new ExtractPatchFeatures(services.encodeItems());
  }

  @Override
  public void mapRelevance(
      MapRelevanceRequest request, StreamObserver<MapRelevanceResponse> observer) {
    int items = 1 + request.getTextsCount();
    UnaryCalls.serve(
        observer, call -> services.admit(call, items, record -> mapRelevance(request, record)));
  }

  private MapRelevanceResponse mapRelevance(MapRelevanceRequest request, CallRecord record)
      throws InterruptedException {
    ServedFamily family = family(request.getModel(), Task.MAP_RELEVANCE);
    requireTexts(request.getTextsList(), family);
    List<String> given = labels.templates(request.getHypothesisTemplatesList());
    List<String> templates = given.isEmpty() ? AS_IT_IS : given;
    RequestLimits.requireCount(
        "texts × templates",
        (long) request.getTextsCount() * templates.size(),
        services.limits().maxPrompts());
    MapRelevance.Relevance relevance =
        withImage(
            request.hasImage(),
            request.getImage(),
            record,
            image -> mapRelevance.run(family, image, request.getTextsList(), templates, record));
    MapRelevanceResponse.Builder response =
        MapRelevanceResponse.newBuilder().setGeometry(GridWriter.geometry(relevance.grid()));
    for (MapRelevance.TextMap map : relevance.maps()) {
      response.addMaps(write(map, relevance.grid(), request.getBestOnly()));
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private void requireTexts(List<String> texts, ServedFamily family) {
    RequestLimits.requireCount("texts", texts.size(), services.limits().maxLabels());
    for (int i = 0; i < texts.size(); i++) {
      services.limits().requireText("texts[" + i + "]", texts.get(i));
    }
    int patches =
        family
            .lease(Role.VISION)
            .model()
            .imageProcessor()
            .map(ImageProcessor::detailed)
            .map(ImageProcessor::info)
            .map(ProcessorInfo::maxPatches)
            .orElseThrow();
    RequestLimits.requireCount("texts × patches", (long) texts.size() * patches, MAX_SCORES);
  }

  private static RelevanceMap write(MapRelevance.TextMap map, GridOnImage grid, boolean bestOnly) {
    RelevanceMap.Builder written = GridWriter.map(grid, map.scores());
    map.probability().ifPresent(probability -> written.setProbability((float) probability));
    return (bestOnly ? written.clearScores() : written).build();
  }

  @Override
  public void estimateDepth(
      EstimateDepthRequest request, StreamObserver<EstimateDepthResponse> observer) {
    UnaryCalls.serve(
        observer, call -> services.admit(call, 1, record -> estimateDepth(request, record)));
  }

  private EstimateDepthResponse estimateDepth(EstimateDepthRequest request, CallRecord record)
      throws InterruptedException {
    ServedFamily family = family(request.getModel(), Task.ESTIMATE_DEPTH);
    EstimateDepth.DepthMap map =
        withImage(
            request.hasImage(),
            request.getImage(),
            record,
            image -> estimateDepth.run(family, image, record));
    EstimateDepthResponse.Builder response =
        EstimateDepthResponse.newBuilder().setGeometry(GridWriter.geometry(map.grid()));
    for (float depth : map.depths()) {
      response.addDepths(depth);
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  @Override
  public void extractPatchFeatures(
      ExtractPatchFeaturesRequest request, StreamObserver<ExtractPatchFeaturesResponse> observer) {
    UnaryCalls.serve(
        observer, call -> services.admit(call, 1, record -> extractPatchFeatures(request, record)));
  }

  private ExtractPatchFeaturesResponse extractPatchFeatures(
      ExtractPatchFeaturesRequest request, CallRecord record) throws InterruptedException {
    ServedFamily family = family(request.getModel(), Task.EXTRACT_PATCH_FEATURES);
    ExtractPatchFeatures.PatchFeatures seen =
        withImage(
            request.hasImage(),
            request.getImage(),
            record,
            image ->
                extractPatchFeatures.run(family, image, request.getIncludeEmbeddings(), record));
    ExtractPatchFeaturesResponse.Builder response =
        ExtractPatchFeaturesResponse.newBuilder()
            .setGeometry(GridWriter.geometry(seen.features().grid()))
            .setFeatures(write(seen.features()));
    seen.embeddings().ifPresent(embeddings -> response.setEmbeddings(write(embeddings)));
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private ServedFamily family(ModelSelector selector, Task task) {
    return services.catalog().get().select(SelectorReader.read(selector), Set.of(task));
  }

  /// What is made of an image.
  ///
  /// @param <A> the answer
  @FunctionalInterface
  private interface Looking<A> {
    A at(Content.Image image) throws InterruptedException;
  }

  /// Reads the one image of a request and looks at it; what is wrong with it is said of the field
  /// `image`.
  private <A> A withImage(boolean there, Image image, CallRecord record, Looking<A> looking)
      throws InterruptedException {
    if (!there) {
      throw GatewayException.invalidField("image", "nothing", "an image");
    }
    Content.Image read;
    try {
      read = images.read(image, record.call().caller());
    } catch (GatewayException refusal) {
      throw refusal.under("image");
    }
    try {
      return looking.at(read);
    } catch (GatewayException refusal) {
      throw isOfImage(refusal) ? ImageReader.locate(refusal, image).under("image") : refusal;
    }
  }

  /// Whether a refusal is about the image's content, and not about a text beside it or the service.
  private static boolean isOfImage(GatewayException refusal) {
    boolean ofText = refusal.violations().stream().anyMatch(v -> v.field().startsWith("texts["));
    return !ofText
        && switch (refusal.reason().kind()) {
          case INVALID, NOT_FOUND -> true;
          case UNSUPPORTED, EXISTS, CONFLICT, EXHAUSTED, UNAVAILABLE, LATE, CANCELLED, FAULT ->
              false;
        };
  }

  private static dev.fovea.v1.PatchVectors write(PatchVectors vectors) {
    return dev.fovea.v1.PatchVectors.newBuilder()
        .setRows(vectors.grid().rows())
        .setColumns(vectors.grid().columns())
        .setDimension(vectors.dimension())
        .setData(VectorWriter.float32(vectors.components()))
        .build();
  }
}
