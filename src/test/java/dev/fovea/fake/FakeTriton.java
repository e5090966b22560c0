package dev.fovea.fake;

import com.google.protobuf.ByteString;
import dev.fovea.engine.scripted.Script;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import inference.InferParameter;
import inference.ModelConfig;
import inference.ModelConfigRequest;
import inference.ModelConfigResponse;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import inference.ModelInferResponse.InferOutputTensor;
import inference.ModelInput;
import inference.ModelMetadataRequest;
import inference.ModelMetadataResponse;
import inference.ModelMetadataResponse.TensorMetadata;
import inference.ModelOutput;
import inference.ModelReadyRequest;
import inference.ModelReadyResponse;
import inference.ModelSequenceBatching;
import inference.ModelStreamInferResponse;
import inference.ModelTransactionPolicy;
import inference.ServerLiveRequest;
import inference.ServerLiveResponse;
import inference.ServerMetadataRequest;
import inference.ServerMetadataResponse;
import inference.SystemSharedMemoryRegisterRequest;
import inference.SystemSharedMemoryRegisterResponse;
import inference.SystemSharedMemoryStatusRequest;
import inference.SystemSharedMemoryStatusResponse;
import inference.SystemSharedMemoryUnregisterRequest;
import inference.SystemSharedMemoryUnregisterResponse;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// A server of the inference protocol that answers by a [Script], and does on demand what a real
/// one cannot be made to do: refuse in any words, answer wrongly, describe its models otherwise.
/// Thread-safe; what it does may be changed at any time.
public final class FakeTriton extends GRPCInferenceServiceImplBase implements AutoCloseable {
  private final Map<String, ServableModel> models = new HashMap<>();
  private final Script script;
  private final Semaphore slots;
  private final Server server;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger cancelled = new AtomicInteger();
  private volatile ServerMetadataResponse metadata =
      ServerMetadataResponse.newBuilder()
          .setName("triton")
          .setVersion("2.51.0")
          .addExtensions("sequence")
          .addExtensions("model_configuration")
          .build();
  private volatile boolean ready = true;
  private volatile boolean garbage;
  private volatile boolean sharing = true;
  private final AtomicInteger sharedRequests = new AtomicInteger();

  /// Regions as their clients named them, mapped until they are unregistered.
  private final Map<String, SharedObject> regions = new ConcurrentHashMap<>();

  private volatile UnaryOperator<ModelConfig> config = UnaryOperator.identity();
  private volatile Function<ModelInferRequest, Optional<Status>> refusal = _ -> Optional.empty();
  private volatile UnaryOperator<ModelInferResponse> answer = UnaryOperator.identity();
  private volatile BiConsumer<ModelInferRequest, StreamObserver<ModelStreamInferResponse>> stream =
      (_, observer) -> observer.onError(Status.UNIMPLEMENTED.asRuntimeException());

  private FakeTriton(
      Script script,
      InetSocketAddress address,
      UnaryOperator<NettyServerBuilder> security,
      List<ServableModel> models) {
    this.script = script;
    models.forEach(model -> this.models.put(model.name(), model));
    this.slots = new Semaphore(models.stream().mapToInt(ServableModel::instances).sum());
    try {
      this.server =
          security
              .apply(NettyServerBuilder.forAddress(address))
              .executor(Executors.newVirtualThreadPerTaskExecutor())
              .maxInboundMessageSize(Integer.MAX_VALUE)
              .addService(service())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static FakeTriton start(Script script, ServableModel... models) {
    return startOn(0, script, models);
  }

  /// @param port where it listens, so that one can come back where another was
  public static FakeTriton startOn(int port, Script script, ServableModel... models) {
    return startAt(new InetSocketAddress("127.0.0.1", port), script, models);
  }

  /// @param address where it listens
  public static FakeTriton startAt(
      InetSocketAddress address, Script script, ServableModel... models) {
    return new FakeTriton(script, address, UnaryOperator.identity(), List.of(models));
  }

  /// @param security what its connections and calls must bring
  public static FakeTriton startSecured(
      UnaryOperator<NettyServerBuilder> security, Script script, ServableModel... models) {
    return new FakeTriton(script, new InetSocketAddress("127.0.0.1", 0), security, List.of(models));
  }

  /// Where it is, as the settings name it.
  public String address() {
    return "127.0.0.1:" + server.getPort();
  }

  public int port() {
    return server.getPort();
  }

  /// Inference requests that have arrived.
  public int requests() {
    return requests.get();
  }

  /// Inference requests that were cancelled while they ran.
  public int cancelled() {
    return cancelled.get();
  }

  /// Inference requests whose tensors lay in shared memory.
  public int sharedRequests() {
    return sharedRequests.get();
  }

  /// Whether clients may share memory with it.
  public void setSharing(boolean sharing) {
    this.sharing = sharing;
  }

  /// The names of the regions that it maps.
  public Set<String> regions() {
    return Set.copyOf(regions.keySet());
  }

  /// A region that somebody registered.
  public void putRegion(String name) {
    regions.put(name, new SharedObject("/" + name, MemorySegment.ofArray(new byte[64])));
  }

  /// Forgets every region, as when somebody else unregisters all of them.
  public void forgetRegions() {
    regions.clear();
  }

  /// What it calls itself.
  public void describeAs(ServerMetadataResponse metadata) {
    this.metadata = metadata;
  }

  /// Whether its models are ready.
  public void setReady(boolean ready) {
    this.ready = ready;
  }

  /// Whether answers are bytes without a meaning.
  public void setGarbage(boolean garbage) {
    this.garbage = garbage;
  }

  /// Describes its models otherwise than they are.
  public void describeModels(UnaryOperator<ModelConfig> config) {
    this.config = config;
  }

  /// Refuses the requests for which the function gives a status, before they run.
  public void refuse(Function<ModelInferRequest, Optional<Status>> refusal) {
    this.refusal = refusal;
  }

  /// Changes answers on their way.
  public void answer(UnaryOperator<ModelInferResponse> answer) {
    this.answer = answer;
  }

  /// What happens when a request arrives on a stream.
  public void stream(
      BiConsumer<ModelInferRequest, StreamObserver<ModelStreamInferResponse>> stream) {
    this.stream = stream;
  }

  /// The service, whose answers may be garbage.
  private ServerServiceDefinition service() {
    ServerServiceDefinition service = bindService();
    ServerServiceDefinition.Builder spoiling =
        ServerServiceDefinition.builder(service.getServiceDescriptor().getName());
    for (var method : service.getMethods()) {
      if (!method.getMethodDescriptor().equals(GRPCInferenceServiceGrpc.getModelInferMethod())) {
        spoiling.addMethod(method);
      }
    }
    MethodDescriptor<ModelInferRequest, ModelInferResponse> infer =
        GRPCInferenceServiceGrpc.getModelInferMethod();
    spoiling.addMethod(
        infer.toBuilder().setResponseMarshaller(new Spoiling(infer)).build(), handler(service));
    return spoiling.build();
  }

  @SuppressWarnings("unchecked") // the service was generated with these types
  private static ServerCallHandler<ModelInferRequest, ModelInferResponse> handler(
      ServerServiceDefinition service) {
    return (ServerCallHandler<ModelInferRequest, ModelInferResponse>)
        service
            .getMethod(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())
            .getServerCallHandler();
  }

  private final class Spoiling implements MethodDescriptor.Marshaller<ModelInferResponse> {
    private final MethodDescriptor.Marshaller<ModelInferResponse> sound;

    Spoiling(MethodDescriptor<ModelInferRequest, ModelInferResponse> method) {
      this.sound = method.getResponseMarshaller();
    }

    @Override
    public InputStream stream(ModelInferResponse response) {
      return garbage
          ? new ByteArrayInputStream("no message at all".getBytes(StandardCharsets.UTF_8))
          : sound.stream(response);
    }

    @Override
    public ModelInferResponse parse(InputStream stream) {
      return sound.parse(stream);
    }
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
    answer(observer, ServerLiveResponse.newBuilder().setLive(true).build());
  }

  @Override
  public void serverMetadata(
      ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
    answer(observer, metadata);
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    if (!models.containsKey(request.getName())) {
      observer.onError(unknown(request.getName()));
    } else {
      answer(observer, ModelReadyResponse.newBuilder().setReady(ready).build());
    }
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    ModelConfig described = config.apply(configOf(models.get(request.getName())));
    answer(observer, ModelConfigResponse.newBuilder().setConfig(described).build());
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    ModelConfig described = config.apply(configOf(models.get(request.getName())));
    ModelMetadataResponse.Builder response =
        ModelMetadataResponse.newBuilder().setName(request.getName());
    described
        .getInputList()
        .forEach(i -> response.addInputs(metadata(i.getName(), i.getDataType(), i.getDimsList())));
    described
        .getOutputList()
        .forEach(o -> response.addOutputs(metadata(o.getName(), o.getDataType(), o.getDimsList())));
    answer(observer, response.build());
  }

  private static TensorMetadata metadata(String name, inference.DataType type, List<Long> dims) {
    return TensorMetadata.newBuilder()
        .setName(name)
        .setDatatype(type.name().replace("TYPE_", ""))
        .addShape(-1)
        .addAllShape(dims)
        .build();
  }

  /// The configuration that says what a signature says.
  public static ModelConfig configOf(ServableModel model) {
    ModelConfig.Builder config =
        ModelConfig.newBuilder()
            .setName(model.name())
            .setMaxBatchSize(model.signature().maxBatchSize());
    for (TensorSpec input : model.signature().inputs()) {
      config.addInput(
          ModelInput.newBuilder()
              .setName(input.name())
              .setDataType(inference.DataType.valueOf("TYPE_" + input.type()))
              .addAllDims(dims(input.shape())));
    }
    for (TensorSpec output : model.signature().outputs()) {
      config.addOutput(
          ModelOutput.newBuilder()
              .setName(output.name())
              .setDataType(inference.DataType.valueOf("TYPE_" + output.type()))
              .addAllDims(dims(output.shape())));
    }
    if (model.signature().interaction() == Interaction.SEQUENCE) {
      config.setSequenceBatching(ModelSequenceBatching.getDefaultInstance());
    }
    if (model.signature().interaction() == Interaction.DECOUPLED) {
      config.setModelTransactionPolicy(ModelTransactionPolicy.newBuilder().setDecoupled(true));
    }
    return config.build();
  }

  private static List<Long> dims(Shape shape) {
    List<Long> dims = new ArrayList<>();
    for (long extent : shape.toArray()) {
      dims.add(extent);
    }
    return dims;
  }

  @Override
  public void systemSharedMemoryStatus(
      SystemSharedMemoryStatusRequest request,
      StreamObserver<SystemSharedMemoryStatusResponse> observer) {
    SystemSharedMemoryStatusResponse.Builder response =
        SystemSharedMemoryStatusResponse.newBuilder();
    regions.forEach((name, region) ->
        response.putRegions(
            name,
            SystemSharedMemoryStatusResponse.RegionStatus.newBuilder()
                .setName(name)
                .setKey(region.key())
                .setByteSize(region.memory().byteSize())
                .build()));
    answer(observer, response.build());
  }

  @Override
  public void systemSharedMemoryRegister(
      SystemSharedMemoryRegisterRequest request,
      StreamObserver<SystemSharedMemoryRegisterResponse> observer) {
    Path file = Path.of("/dev/shm" + request.getKey());
    if (!sharing) {
      observer.onError(
          Status.UNIMPLEMENTED
              .withDescription("shared memory is disabled by the server")
              .asRuntimeException());
      return;
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (channel.size() < request.getOffset() + request.getByteSize()) {
        throw new IOException("too short");
      }
      SharedObject region =
          new SharedObject(
              request.getKey(),
              channel.map(
                  MapMode.READ_WRITE, request.getOffset(), request.getByteSize(), Arena.ofAuto()));
      if (regions.putIfAbsent(request.getName(), region) == null) {
        answer(observer, SystemSharedMemoryRegisterResponse.getDefaultInstance());
      } else {
        observer.onError(Status.ALREADY_EXISTS.asRuntimeException());
      }
    } catch (IOException e) {
      observer.onError(
          Status.INVALID_ARGUMENT
              .withDescription("Unable to open shared memory region: '" + request.getKey() + "'")
              .asRuntimeException());
    }
  }

  @Override
  public void systemSharedMemoryUnregister(
      SystemSharedMemoryUnregisterRequest request,
      StreamObserver<SystemSharedMemoryUnregisterResponse> observer) {
    if (request.getName().isEmpty()) {
      regions.clear();
    }
    regions.remove(request.getName());
    answer(observer, SystemSharedMemoryUnregisterResponse.getDefaultInstance());
  }

  /// @param key of the object that a region lies in
  private record SharedObject(String key, MemorySegment memory) {}

  /// Where a tensor lies in shared memory; empty when it travels in the message.
  private Optional<MemorySegment> shared(Map<String, InferParameter> parameters) {
    InferParameter name = parameters.get("shared_memory_region");
    if (name == null) {
      return Optional.empty();
    }
    SharedObject region = regions.get(name.getStringParam());
    if (region == null) {
      throw Status.NOT_FOUND
          .withDescription("Unable to find shared memory region: '" + name.getStringParam() + "'")
          .asRuntimeException();
    }
    InferParameter offset = parameters.get("shared_memory_offset");
    return Optional.of(
        region
            .memory()
            .asSlice(
                offset == null ? 0 : offset.getInt64Param(),
                parameters.get("shared_memory_byte_size").getInt64Param()));
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    requests.incrementAndGet();
    Optional<Status> refused = refusal.apply(request);
    ServableModel model = models.get(request.getModelName());
    if (refused.isPresent()) {
      observer.onError(refused.get().asRuntimeException());
    } else if (model == null) {
      observer.onError(unknown(request.getModelName()));
    } else {
      run(model, request, (ServerCallStreamObserver<ModelInferResponse>) observer);
    }
  }

  @Override
  public StreamObserver<ModelInferRequest> modelStreamInfer(
      StreamObserver<ModelStreamInferResponse> observer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(ModelInferRequest request) {
        requests.incrementAndGet();
        stream.accept(request, observer);
      }

      @Override
      public void onError(Throwable e) {
        cancelled.incrementAndGet();
      }

      @Override
      public void onCompleted() {
        // The answers go on.
      }
    };
  }

  private static RuntimeException unknown(String model) {
    return Status.NOT_FOUND
        .withDescription("Request for unknown model: '" + model + "' is not found")
        .asRuntimeException();
  }

  private void run(
      ServableModel model,
      ModelInferRequest request,
      ServerCallStreamObserver<ModelInferResponse> observer) {
    CountDownLatch gone = new CountDownLatch(1);
    observer.setOnCancelHandler(() -> {
      cancelled.incrementAndGet();
      gone.countDown();
    });
    Thread.startVirtualThread(() -> {
      try {
        while (!slots.tryAcquire(1, TimeUnit.MILLISECONDS)) {
          if (gone.getCount() == 0) {
            return;
          }
        }
        try {
          List<Map<String, Tensor>> rows = rows(model, request);
          if (request.getInputsList().stream()
              .anyMatch(input -> input.containsParameters("shared_memory_region"))) {
            sharedRequests.incrementAndGet();
          }
          if (!gone.await(script.delay(model, rows).toNanos(), TimeUnit.NANOSECONDS)) {
            answer(observer, answer.apply(response(model, request, rows)));
          }
        } finally {
          slots.release();
        }
      } catch (StatusRuntimeException e) {
        observer.onError(e);
      } catch (RuntimeException e) {
        observer.onError(
            Status.INTERNAL.withDescription("failed in /models/secret: " + e).asRuntimeException());
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
  }

  /// The rows of a request; tensors that do not fit are its own fault.
  private List<Map<String, Tensor>> rows(ServableModel model, ModelInferRequest request) {
    List<Map<String, Tensor>> rows = new ArrayList<>();
    int raw = 0;
    for (int i = 0; i < request.getInputsCount(); i++) {
      var input = request.getInputs(i);
      long[] extents = input.getShapeList().stream().mapToLong(Long::longValue).toArray();
      Optional<MemorySegment> shared = shared(input.getParametersMap());
      // Contents are there for those inputs alone that lie nowhere else.
      MemorySegment data =
          shared.isPresent()
              ? shared.get()
              : MemorySegment.ofArray(request.getRawInputContents(raw++).toByteArray());
      Tensor batch = new Tensor(DataType.valueOf(input.getDatatype()), Shape.of(extents), data);
      for (int row = 0; row < extents[0]; row++) {
        if (rows.size() == row) {
          rows.add(new HashMap<>());
        }
        rows.get(row).put(input.getName(), batch.row(row));
      }
    }
    rows.forEach(model.signature()::requireRow);
    return rows;
  }

  /// Outputs in an order of its own: the reverse of what was asked for.
  private ModelInferResponse response(
      ServableModel model, ModelInferRequest request, List<Map<String, Tensor>> rows) {
    List<Map<String, Tensor>> answers = new ArrayList<>();
    for (Map<String, Tensor> row : rows) {
      answers.add(script.answer(model, row));
    }
    ModelInferResponse.Builder response =
        ModelInferResponse.newBuilder()
            .setModelName(request.getModelName())
            .setModelVersion(request.getModelVersion())
            .setId(request.getId());
    for (var wanted : request.getOutputsList().reversed()) {
      Tensor first = answers.getFirst().get(wanted.getName());
      InferOutputTensor.Builder output =
          InferOutputTensor.newBuilder()
              .setName(wanted.getName())
              .setDatatype(first.type().name())
              .addShape(rows.size());
      for (long extent : first.shape().toArray()) {
        output.addShape(extent);
      }
      ByteString contents = ByteString.EMPTY;
      for (Map<String, Tensor> row : answers) {
        Tensor tensor = row.get(wanted.getName());
        contents = contents.concat(ByteString.copyFrom(tensor.data().asByteBuffer()));
      }
      Optional<MemorySegment> shared = shared(wanted.getParametersMap());
      if (shared.isPresent()) {
        shared.get().copyFrom(MemorySegment.ofArray(contents.toByteArray()));
        contents = ByteString.EMPTY;
      }
      response.addOutputs(output).addRawOutputContents(contents);
    }
    return response.build();
  }

  private static <T> void answer(StreamObserver<T> observer, T message) {
    observer.onNext(message);
    observer.onCompleted();
  }

  /// Ends at once, as a process that is killed.
  @Override
  public void close() {
    try {
      server.shutdownNow().awaitTermination();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
