package dev.fovea.rpc;

import dev.fovea.cache.UploadedImages;
import dev.fovea.call.CallContext;
import dev.fovea.task.CallRecord;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.InspectImage;
import dev.fovea.telemetry.StageListener;
import io.grpc.BindableService;
import java.util.List;
import java.util.function.Supplier;

/// What the services of this package are made of.
///
/// @param catalog the families that are served at this moment
/// @param embedItems makes every vector
/// @param inspectImage reads headers
/// @param uploaded the images that handles stand for
/// @param limits what any call may hold
/// @param stages told where the time of calls goes
public record Services(
    Supplier<FamilyCatalog> catalog,
    EmbedItems embedItems,
    InspectImage inspectImage,
    UploadedImages uploaded,
    RequestLimits limits,
    StageListener stages) {
  /// Every public service.
  public List<BindableService> all() {
    return List.of(
        new EmbeddingRpc(this),
        new ClassificationRpc(this),
        new ImageRpc(this),
        new ModelRpc(this));
  }

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
