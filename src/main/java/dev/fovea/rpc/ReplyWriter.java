package dev.fovea.rpc;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.fovea.engine.EngineKind;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.ServableModel;
import dev.fovea.task.CallRecord;
import dev.fovea.telemetry.Stage;
import dev.fovea.v1.Backend;
import dev.fovea.v1.CallInfo;
import dev.fovea.v1.ItemError;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.PixelBox;
import dev.fovea.v1.Timings;
import dev.fovea.v1.Usage;
import dev.fovea.v1.Warning;
import dev.fovea.v1.WarningCode;
import java.time.Instant;

/// Writes what every answer holds.
final class ReplyWriter {
  private static final long NANOS_A_SECOND = 1_000_000_000;

  private ReplyWriter() {}

  static CallInfo callInfo(CallRecord record) {
    CallInfo.Builder info =
        CallInfo.newBuilder()
            .setRequestId(record.call().requestId())
            .setUsage(usage(record.usage()))
            .setTimings(timings(record));
    record.models().forEach(used -> info.addModels(modelRef(used.model(), used.kind())));
    record.warnings().forEach(warning -> info.addWarnings(warning(warning)));
    return info.build();
  }

  private static Usage usage(CallRecord.Usage usage) {
    return Usage.newBuilder()
        .setImages(usage.images())
        .setImagePixels(usage.imagePixels())
        .setImagePatches(usage.imagePatches())
        .setTexts(usage.texts())
        .setTextTokens(usage.textTokens())
        .setCachedImages(usage.cachedImages())
        .setCachedTexts(usage.cachedTexts())
        .setOutputTokens(usage.outputTokens())
        .build();
  }

  private static Timings timings(CallRecord record) {
    return Timings.newBuilder()
        .setAdmission(stage(record, Stage.ADMISSION))
        .setDecode(stage(record, Stage.DECODE))
        .setPreprocess(stage(record, Stage.PREPROCESS))
        .setTokenize(stage(record, Stage.TOKENIZE))
        .setQueue(stage(record, Stage.QUEUE))
        .setBackend(stage(record, Stage.BACKEND))
        .setPostprocess(stage(record, Stage.POSTPROCESS))
        .setTotal(duration(record.elapsedNanos()))
        .build();
  }

  private static Duration stage(CallRecord record, Stage stage) {
    return duration(record.timings().nanos(stage));
  }

  static Duration duration(long nanos) {
    return Duration.newBuilder()
        .setSeconds(nanos / NANOS_A_SECOND)
        .setNanos((int) (nanos % NANOS_A_SECOND))
        .build();
  }

  static Timestamp timestamp(Instant moment) {
    return Timestamp.newBuilder()
        .setSeconds(moment.getEpochSecond())
        .setNanos(moment.getNano())
        .build();
  }

  private static Warning warning(CallRecord.Warning warning) {
    Warning.Builder written =
        Warning.newBuilder()
            .setCode(
                switch (warning.code()) {
                  case TEXT_TRUNCATED -> WarningCode.WARNING_CODE_TEXT_TRUNCATED;
                  case DUPLICATE_LABEL -> WarningCode.WARNING_CODE_DUPLICATE_LABEL;
                })
            .setMessage(warning.message());
    warning.item().ifPresent(written::setItemIndex);
    return written.build();
  }

  static ModelRef modelRef(ServableModel model, EngineKind kind) {
    return ModelRef.newBuilder()
        .setModel(model.name())
        .setVersion(model.version())
        .setRole(model.role().label())
        .setArtifactDigest(model.artifactDigest())
        .setPreprocessingDigest(model.preprocessingDigest())
        .setBackend(
            switch (kind) {
              case ONNX_RUNTIME -> Backend.BACKEND_ONNX_RUNTIME;
              case TRITON -> Backend.BACKEND_TRITON;
              case SCRIPTED -> Backend.BACKEND_SCRIPTED;
            })
        .build();
  }

  static PixelBox pixelBox(dev.fovea.image.PixelBox box) {
    return PixelBox.newBuilder()
        .setLeft(box.left())
        .setTop(box.top())
        .setWidth(box.width())
        .setHeight(box.height())
        .build();
  }

  static ItemError itemError(GatewayException refusal, CallRecord record) {
    return ItemError.newBuilder()
        .setStatus(StatusMapper.status(refusal, record.call().requestId()))
        .build();
  }
}
