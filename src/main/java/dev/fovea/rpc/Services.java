package dev.fovea.rpc;

import dev.fovea.admission.CpuGate;
import dev.fovea.admission.Limiter;
import dev.fovea.admission.Permit;
import dev.fovea.cache.UploadedImages;
import dev.fovea.call.CallContext;
import dev.fovea.store.LabelSets;
import dev.fovea.task.CallRecord;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.EncodeItems;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.GenerateText;
import dev.fovea.task.InspectImage;
import dev.fovea.telemetry.StageListener;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GenerationServiceGrpc;
import io.grpc.BindableService;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/// What the services of this package are made of.
///
/// @param catalog the families that are served at this moment
/// @param encodeItems runs every encoder
/// @param embedItems makes every vector
/// @param cpu lets work at processors
/// @param generateText makes every text
/// @param inspectImage reads headers
/// @param uploaded the images that handles stand for
/// @param labelSets the label sets that are kept
/// @param limiter lets calls in
/// @param drain tells calls that live long when the server ends
/// @param limits what any call may hold
/// @param stages told where the time of calls goes
public record Services(
    Supplier<FamilyCatalog> catalog,
    EncodeItems encodeItems,
    EmbedItems embedItems,
    CpuGate cpu,
    GenerateText generateText,
    InspectImage inspectImage,
    UploadedImages uploaded,
    LabelSets labelSets,
    Limiter limiter,
    Drain drain,
    RequestLimits limits,
    StageListener stages) {
  /// Every public service.
  public List<BindableService> all() {
    return List.of(
        new EmbeddingRpc(this),
        new ClassificationRpc(this),
        new GenerationRpc(this),
        new LabelSetRpc(this),
        new DensePredictionRpc(this),
        new ImageRpc(this),
        new ModelRpc(this));
  }

  /// Full names of the methods whose calls [Door] may turn away by their headers: those that make
  /// models work with one message.
  public static Set<String> guarded() {
    return Set.of(
        EmbeddingServiceGrpc.getEmbedMethod().getFullMethodName(),
        EmbeddingServiceGrpc.getCompareMethod().getFullMethodName(),
        ClassificationServiceGrpc.getClassifyMethod().getFullMethodName(),
        DensePredictionServiceGrpc.getMapRelevanceMethod().getFullMethodName(),
        DensePredictionServiceGrpc.getEstimateDepthMethod().getFullMethodName(),
        DensePredictionServiceGrpc.getExtractPatchFeaturesMethod().getFullMethodName(),
        GenerationServiceGrpc.getCaptionMethod().getFullMethodName(),
        GenerationServiceGrpc.getStreamCaptionMethod().getFullMethodName(),
        GenerationServiceGrpc.getAnswerMethod().getFullMethodName(),
        GenerationServiceGrpc.getStreamAnswerMethod().getFullMethodName(),
        GenerationServiceGrpc.getScoreChoicesMethod().getFullMethodName());
  }

  /// What a call does once it is let in.
  ///
  /// @param <A> the reply
  @FunctionalInterface
  interface Admitted<A> {
    A answer(CallRecord record) throws InterruptedException;
  }

  /// Runs a call that makes models work, if there is room for it.
  ///
  /// @param items how many it brings
  <A> A admit(CallContext call, int items, Admitted<A> body) throws InterruptedException {
    try (Permit _ = Door.admit(limiter, call, items)) {
      return body.answer(newRecord(call));
    }
  }

  /// What a call that makes models work writes down.
  CallRecord newRecord(CallContext call) {
    return new CallRecord(call, stages);
  }

  ItemReader itemReader() {
    return new ItemReader(limits, imageReader());
  }

  ImageReader imageReader() {
    return new ImageReader(uploaded);
  }
}
