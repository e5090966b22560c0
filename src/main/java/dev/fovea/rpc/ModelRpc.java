package dev.fovea.rpc;

import dev.fovea.cache.UploadLimits;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.Fault;
import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ProcessorInfo;
import dev.fovea.model.BrokenFamily;
import dev.fovea.model.Calibration;
import dev.fovea.model.Decoding;
import dev.fovea.model.Interaction;
import dev.fovea.model.Role;
import dev.fovea.task.GenerateText;
import dev.fovea.task.Task;
import dev.fovea.v1.ConstraintKind;
import dev.fovea.v1.EmbeddingSpace;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.GetModelResponse;
import dev.fovea.v1.ImageInput;
import dev.fovea.v1.Limits;
import dev.fovea.v1.ListModelsRequest;
import dev.fovea.v1.ListModelsResponse;
import dev.fovea.v1.LogitCalibration;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelMember;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelState;
import dev.fovea.v1.TextGeneration;
import dev.fovea.v1.TextInput;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// `fovea.v1.ModelService`.
final class ModelRpc extends ModelServiceGrpc.ModelServiceImplBase {
  private final Services services;

  ModelRpc(Services services) {
    this.services = services;
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> observer) {
    UnaryCalls.serve(observer, _ -> list(request));
  }

  /// A page token is the name of the last family of the page before.
  private ListModelsResponse list(ListModelsRequest request) {
    int size = Pages.size(request.getPageSize());
    TreeMap<String, ModelFamily> families = families();
    String token = request.getPageToken();
    if (!token.isEmpty() && !families.containsKey(token)) {
      throw GatewayException.invalidField("page_token", token, "a next_page_token of this server");
    }
    ListModelsResponse.Builder response = ListModelsResponse.newBuilder().setLimits(limits());
    Map<String, ModelFamily> rest = token.isEmpty() ? families : families.tailMap(token, false);
    String last = "";
    for (Map.Entry<String, ModelFamily> family : rest.entrySet()) {
      if (response.getFamiliesCount() == size) {
        return response.setNextPageToken(last).build();
      }
      response.addFamilies(family.getValue());
      last = family.getKey();
    }
    return response.build();
  }

  private TreeMap<String, ModelFamily> families() {
    TreeMap<String, ModelFamily> families = new TreeMap<>();
    services.catalog().get().served().forEach((name, family) -> families.put(name, write(family)));
    services.catalog().get().broken().forEach((name, family) -> families.put(name, write(family)));
    return families;
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<GetModelResponse> observer) {
    UnaryCalls.serve(observer, _ -> get(request));
  }

  private GetModelResponse get(GetModelRequest request) {
    SelectorReader.requireName("model", request.getModel());
    BrokenFamily broken = services.catalog().get().broken().get(request.getModel());
    ModelFamily family =
        broken != null ? write(broken) : write(services.catalog().get().named(request.getModel()));
    return GetModelResponse.newBuilder().setFamily(family).setLimits(limits()).build();
  }

  private static ModelFamily write(BrokenFamily family) {
    return ModelFamily.newBuilder()
        .setName(family.name())
        .setState(ModelState.MODEL_STATE_UNAVAILABLE)
        .setStateReason(
            family.faults().stream().map(ModelRpc::describe).collect(Collectors.joining("\n")))
        .build();
  }

  /// A fault without the value that was found: that may be a library's text, and is in the log.
  private static String describe(Fault fault) {
    return "%s: %s (expected: %s)"
        .formatted(
            fault.file(), fault.field().isEmpty() ? "the file" : fault.field(), fault.expected());
  }

  private ModelFamily write(ServedFamily served) {
    dev.fovea.model.ModelFamily family = served.family();
    ModelFamily.Builder written =
        ModelFamily.newBuilder().setName(family.name()).setState(state(served.ready()));
    written.setStateReason(reason(served));
    for (Task task : Task.values()) {
      if (task.isSupportedBy(served)) {
        written.addTasks(write(task));
      }
    }
    for (Lease lease : new TreeMap<>(served.leases()).values()) {
      written.addMembers(
          ModelMember.newBuilder()
              .setRef(ReplyWriter.modelRef(lease.model(), served.kind()))
              .setState(state(lease.ready()))
              .setMaxBatchSize(lease.model().signature().maxBatchSize()));
    }
    family
        .member(Role.VISION)
        .flatMap(dev.fovea.model.ServableModel::imageProcessor)
        .ifPresent(processor -> written.setImageInput(write(processor)));
    family
        .member(Role.TEXT)
        .flatMap(dev.fovea.model.ServableModel::tokenizer)
        .ifPresent(tokenizer ->
            written.setTextInput(TextInput.newBuilder().setMaxTokens(tokenizer.maxTokens())));
    family.space().ifPresent(space -> written.setEmbeddingSpace(write(space)));
    if (served.has(Role.DECODER)) {
      written.setTextGeneration(
          write(served.lease(Role.DECODER)).setRelevance(GenerateText.tellsRelevance(served)));
    }
    return written.build();
  }

  private static TextGeneration.Builder write(Lease decoder) {
    Decoding decoding = decoder.model().decoding().orElseThrow();
    TextGeneration.Builder written =
        TextGeneration.newBuilder()
            .setMaxImages(decoding.maxImages())
            .setContextLength(decoding.contextLength())
            .setDefaultMaxTokens(decoding.defaultMaxTokens())
            .setBeamSearch(decoder.forksSequences())
            .setMaxSequences(decoder.maxSequences());
    if (decoder.model().signature().interaction() == Interaction.SEQUENCE) {
      written
          .addConstraints(ConstraintKind.CONSTRAINT_KIND_CHOICES)
          .addConstraints(ConstraintKind.CONSTRAINT_KIND_REGEX)
          .addConstraints(ConstraintKind.CONSTRAINT_KIND_JSON_SCHEMA);
    }
    return written;
  }

  private static ModelState state(boolean ready) {
    return ready ? ModelState.MODEL_STATE_READY : ModelState.MODEL_STATE_UNAVAILABLE;
  }

  private static dev.fovea.v1.Task write(Task task) {
    return switch (task) {
      case EMBED_IMAGE -> dev.fovea.v1.Task.TASK_EMBED_IMAGE;
      case EMBED_TEXT -> dev.fovea.v1.Task.TASK_EMBED_TEXT;
      case CLASSIFY -> dev.fovea.v1.Task.TASK_CLASSIFY;
      case CLASSIFY_EMOTION -> dev.fovea.v1.Task.TASK_CLASSIFY_EMOTION;
      case MAP_RELEVANCE -> dev.fovea.v1.Task.TASK_MAP_RELEVANCE;
      case ESTIMATE_DEPTH -> dev.fovea.v1.Task.TASK_ESTIMATE_DEPTH;
      case EXTRACT_PATCH_FEATURES -> dev.fovea.v1.Task.TASK_EXTRACT_PATCH_FEATURES;
      case CAPTION -> dev.fovea.v1.Task.TASK_CAPTION;
      case ANSWER -> dev.fovea.v1.Task.TASK_ANSWER;
    };
  }

  private ImageInput write(ImageProcessor processor) {
    ProcessorInfo info = processor.info();
    return ImageInput.newBuilder()
        .setImageProcessor(info.imageProcessor())
        .setWidth(info.width())
        .setHeight(info.height())
        .setPatchSize(info.patchSize())
        .setMaxPatches(info.maxPatches())
        .setDetailedMaxPatches(processor.detailed().info().maxPatches())
        .setKeepsAspect(info.keepsAspect())
        .setResample(info.resample())
        .setBackend(info.backend())
        .setImageDecoders(services.inspectImage().decoders())
        .build();
  }

  private static EmbeddingSpace write(dev.fovea.model.EmbeddingSpace space) {
    EmbeddingSpace.Builder written =
        EmbeddingSpace.newBuilder()
            .setId(space.id())
            .setDimension(space.dimension())
            .addAllOutputDimensions(space.outputDimensions())
            .addAllHypothesisTemplates(space.hypothesisTemplates());
    space.singleLabel().ifPresent(calibration -> written.setSingleLabel(write(calibration)));
    space.multiLabel().ifPresent(calibration -> written.setMultiLabel(write(calibration)));
    space.patches().ifPresent(calibration -> written.setPatches(write(calibration)));
    space
        .rejectionThreshold()
        .ifPresent(threshold -> written.setRejectionThreshold((float) threshold));
    space.rejectionMargin().ifPresent(margin -> written.setRejectionMargin((float) margin.least()));
    return written.build();
  }

  private String reason(ServedFamily served) {
    if (served.ready()) {
      return services.catalog().get().withheld(served.family().name()).stream()
          .map(ModelRpc::describe)
          .map(fault -> "newer files are not served: " + fault)
          .collect(Collectors.joining("\n"));
    }
    String faults =
        served.leases().values().stream()
            .flatMap(lease -> lease.faults().stream())
            .map(ModelRpc::describe)
            .collect(Collectors.joining("\n"));
    return faults.isEmpty() ? "the engine cannot answer now" : faults;
  }

  private static LogitCalibration write(Calibration calibration) {
    return LogitCalibration.newBuilder()
        .setScale((float) calibration.scale())
        .setBias((float) calibration.bias())
        .build();
  }

  private Limits limits() {
    RequestLimits limits = services.limits();
    UploadLimits uploads = services.uploaded().limits();
    return Limits.newBuilder()
        .setMaxMessageBytes(limits.maxMessageBytes())
        .setMaxImageBytes(limits.image().maxBytes())
        .setMaxImagePixels(limits.image().maxPixels())
        .setMaxImageSide(limits.image().maxSide())
        .setMaxImageAspect(limits.image().maxAspect())
        .setMaxItems(limits.maxItems())
        .setMaxTextCharacters(limits.maxTextCharacters())
        .setMaxLabels(limits.maxLabels())
        .setMaxPrompts(limits.maxPrompts())
        .setMaxChunkBytes(RequestLimits.MAX_CHUNK_BYTES)
        .setMaxUploadedImages(uploads.maxImagesPerCaller())
        .setMaxUploadedBytes(uploads.maxBytesPerCaller())
        .setUploadTimeToLive(ReplyWriter.duration(uploads.timeToLive().toNanos()))
        .build();
  }
}
