package dev.fovea.rpc;

import dev.fovea.call.CallContext;
import dev.fovea.task.CallRecord;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.telemetry.StageListener;
import io.grpc.BindableService;
import java.util.List;
import java.util.function.Supplier;

/// What the services of this package are made of.
///
/// @param catalog the families that are served at this moment
/// @param embedItems makes every vector
/// @param limits what any call may hold
/// @param stages told where the time of calls goes
public record Services(
    Supplier<FamilyCatalog> catalog,
    EmbedItems embedItems,
    RequestLimits limits,
    StageListener stages) {
  /// Every public service.
  public List<BindableService> all() {
    return List.of(new EmbeddingRpc(this), new ClassificationRpc(this), new ModelRpc(this));
  }

  CallRecord newRecord(CallContext call) {
    return new CallRecord(call, stages);
  }
}
