package dev.fovea.rpc.kserve;

import dev.fovea.admission.Limiter;
import dev.fovea.admission.Permit;
import dev.fovea.call.CallContext;
import dev.fovea.call.Clock;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.Place;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.failure.Reason;
import dev.fovea.model.Interaction;
import dev.fovea.rpc.Door;
import dev.fovea.rpc.UnaryCalls;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import inference.InferParameter;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import inference.ModelMetadataRequest;
import inference.ModelMetadataResponse;
import inference.ModelMetadataResponse.TensorMetadata;
import inference.ModelReadyRequest;
import inference.ModelReadyResponse;
import inference.ModelStreamInferResponse;
import inference.ServerLiveRequest;
import inference.ServerLiveResponse;
import inference.ServerMetadataRequest;
import inference.ServerMetadataResponse;
import inference.ServerReadyRequest;
import inference.ServerReadyResponse;
import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// `inference.GRPCInferenceService`, as far as inference goes: liveness, readiness, metadata, infer
/// and stream infer. Every other call of the protocol is UNIMPLEMENTED: models, memory, logs and
/// traces are the operator's.
///
/// What is asked for is checked against the model's signature before the engine sees it. A model
/// that this server does not serve does not exist, whatever runs behind it.
public final class InferenceRpc {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");
  private static final Pattern VERSION = Pattern.compile("[0-9]{1,18}");

  private final Supplier<Map<String, Lease>> leases;
  private final String version;
  private final Clock clock;
  private final Limiter limiter;
  private final StageListener stages;

  /// @param leases the models that are served at this moment, by name
  /// @param version of this server
  /// @param limiter lets calls in
  /// @param stages told where the time of calls goes
  public InferenceRpc(
      Supplier<Map<String, Lease>> leases,
      String version,
      Clock clock,
      Limiter limiter,
      StageListener stages) {
    this.leases = leases;
    this.version = version;
    this.clock = clock;
    this.limiter = limiter;
    this.stages = stages;
  }

  /// Whether the calls of a method are served without a thread of their own: what reads the
  /// connection may serve them.
  public static boolean needsNoThread(MethodDescriptor<?, ?> method) {
    return method
        .getFullMethodName()
        .equals(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName());
  }

  /// The service.
  ///
  /// @param requests reads requests, without copying more than it must
  public BindableService service(MethodDescriptor.Marshaller<ModelInferRequest> requests) {
    ServerServiceDefinition generated = new Service().bindService();
    ServerServiceDefinition.Builder service =
        ServerServiceDefinition.builder(generated.getServiceDescriptor().getName());
    for (ServerMethodDefinition<?, ?> method : generated.getMethods()) {
      if (!method.getMethodDescriptor().equals(GRPCInferenceServiceGrpc.getModelInferMethod())) {
        service.addMethod(method);
      }
    }
    service.addMethod(
        GRPCInferenceServiceGrpc.getModelInferMethod().toBuilder()
            .setRequestMarshaller(requests)
            .build(),
        handler(generated));
    ServerServiceDefinition definition = service.build();
    return () -> definition;
  }

  @SuppressWarnings("unchecked") // the service was generated with these types
  private static ServerCallHandler<ModelInferRequest, ModelInferResponse> handler(
      ServerServiceDefinition generated) {
    ServerMethodDefinition<?, ?> method =
        generated.getMethod(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName());
    return (ServerCallHandler<ModelInferRequest, ModelInferResponse>) method.getServerCallHandler();
  }

  private final class Service extends GRPCInferenceServiceImplBase {
    @Override
    public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
      UnaryCalls.serve(observer, _ -> ServerLiveResponse.newBuilder().setLive(true).build());
    }

    @Override
    public void serverReady(
        ServerReadyRequest request, StreamObserver<ServerReadyResponse> observer) {
      UnaryCalls.serve(
          observer,
          _ ->
              ServerReadyResponse.newBuilder()
                  .setReady(leases.get().values().stream().allMatch(Lease::ready))
                  .build());
    }

    @Override
    public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
      UnaryCalls.serve(
          observer,
          _ ->
              ModelReadyResponse.newBuilder()
                  .setReady(lease(request.getName(), request.getVersion(), "").ready())
                  .build());
    }

    @Override
    public void serverMetadata(
        ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
      UnaryCalls.serve(
          observer,
          _ -> ServerMetadataResponse.newBuilder().setName("fovea").setVersion(version).build());
    }

    @Override
    public void modelMetadata(
        ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
      UnaryCalls.serve(observer, _ -> metadata(lease(request.getName(), request.getVersion(), "")));
    }

    @Override
    public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
      UnaryCalls.serveLater(observer, call -> inferLater(request, call));
    }

    /// Answers in order, one request at a time: the next one is read when the last one is answered.
    @Override
    public StreamObserver<ModelInferRequest> modelStreamInfer(
        StreamObserver<ModelStreamInferResponse> observer) {
      return new Stream((ServerCallStreamObserver<ModelStreamInferResponse>) observer);
    }
  }

  private final class Stream implements StreamObserver<ModelInferRequest> {
    private final ServerCallStreamObserver<ModelStreamInferResponse> observer;

    Stream(ServerCallStreamObserver<ModelStreamInferResponse> observer) {
      this.observer = observer;
      observer.disableAutoRequest();
      observer.request(1);
    }

    @Override
    public void onNext(ModelInferRequest request) {
      ModelStreamInferResponse.Builder message = ModelStreamInferResponse.newBuilder();
      try {
        message.setInferResponse(
            UnaryCalls.whileWanted(call -> infer(request, call)).toBuilder()
                .putParameters(
                    "triton_final_response",
                    InferParameter.newBuilder().setBoolParam(true).build()));
      } catch (GatewayException refusal) {
        message
            .setErrorMessage(refusal.getMessage())
            .setInferResponse(ModelInferResponse.newBuilder().setId(request.getId()));
      }
      if (!observer.isCancelled()) {
        observer.onNext(message.build());
        observer.request(1);
      }
    }

    @Override
    public void onError(Throwable gone) {
      // Nobody is left to be answered.
    }

    @Override
    public void onCompleted() {
      observer.onCompleted();
    }
  }

  /// The model of that name and version.
  private Lease lease(String name, String version, String prefix) {
    if (!NAME.matcher(name).matches()) {
      throw GatewayException.invalidField(
          prefix + "name", name, "1 to 128 letters, digits, '_', '-' or '.'");
    }
    Lease lease = leases.get().get(name);
    boolean versionFits =
        version.isEmpty()
            || (VERSION.matcher(version).matches()
                && lease != null
                && version.equals(lease.model().version()));
    if (lease == null || !versionFits) {
      throw new GatewayException(Reason.MODEL_NOT_FOUND, "no such model or version is served")
          .with("model", name)
          .with("version", version);
    }
    return lease;
  }

  private static ModelMetadataResponse metadata(Lease lease) {
    ModelMetadataResponse.Builder metadata =
        ModelMetadataResponse.newBuilder()
            .setName(lease.model().name())
            .addVersions(lease.model().version())
            .setPlatform("fovea");
    lease.model().signature().inputs().forEach(input -> metadata.addInputs(metadata(input)));
    lease.model().signature().outputs().forEach(output -> metadata.addOutputs(metadata(output)));
    return metadata.build();
  }

  private static TensorMetadata metadata(TensorSpec spec) {
    TensorMetadata.Builder metadata =
        TensorMetadata.newBuilder().setName(spec.name()).setDatatype(spec.type().name());
    for (long extent : spec.shape().batched(-1).toArray()) {
      metadata.addShape(extent);
    }
    return metadata.build();
  }

  private ModelInferResponse infer(ModelInferRequest request, CallContext call)
      throws InterruptedException {
    Question question = read(request, call);
    try (Permit _ = limiter.acquire(call, question.rows().rows().size())) {
      return question.answer(question.lease().infer(question.rows()));
    }
  }

  private CompletableFuture<ModelInferResponse> inferLater(
      ModelInferRequest request, CallContext call) {
    Question question = read(request, call);
    Permit permit = Door.admit(limiter, call, question.rows().rows().size());
    CompletableFuture<List<Outcome<Map<String, Tensor>>>> outcomes =
        question.lease().inferLater(question.rows());
    CompletableFuture<ModelInferResponse> answer =
        outcomes.whenComplete((_, _) -> permit.close()).thenApply(question::answer);
    var _ = answer.whenComplete((_, _) -> outcomes.cancel(false));
    return answer;
  }

  /// A request that fits its model.
  ///
  /// @param wanted the outputs, in the order of the request
  private record Question(
      ModelInferRequest request, Lease lease, List<String> wanted, InferRequest rows) {
    ModelInferResponse answer(List<Outcome<Map<String, Tensor>>> outcomes) {
      return TensorWriter.write(request, lease.model().version(), wanted, answers(outcomes));
    }
  }

  private Question read(ModelInferRequest request, CallContext call) {
    Lease lease = lease(request.getModelName(), request.getModelVersion(), "model_");
    if (lease.model().signature().interaction() != Interaction.ROWS) {
      throw new GatewayException(
              Reason.TASK_NOT_SUPPORTED, lease.model().name() + " does not take single requests")
          .with("model", lease.model().name());
    }
    TensorReader reader = new TensorReader(lease.model().signature(), request);
    List<String> wanted = reader.wanted();
    InferRequest rows =
        new InferRequest(
            reader.rows(),
            Set.copyOf(wanted),
            call.deadline(),
            call.criticality(),
            Place.NONE,
            new StageTimings(clock, stages));
    return new Question(request, lease, wanted, rows);
  }

  private static List<Map<String, Tensor>> answers(List<Outcome<Map<String, Tensor>>> outcomes) {
    List<Map<String, Tensor>> answers = new ArrayList<>();
    for (Outcome<Map<String, Tensor>> outcome : outcomes) {
      switch (outcome) {
        case Outcome.Done<Map<String, Tensor>>(Map<String, Tensor> answer) -> answers.add(answer);
        case Outcome.Failed<Map<String, Tensor>>(GatewayException refusal) -> throw refusal;
      }
    }
    return answers;
  }
}
