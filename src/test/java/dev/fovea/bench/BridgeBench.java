package dev.fovea.bench;

import com.google.protobuf.ByteString;
import dev.fovea.app.PassThrough;
import dev.fovea.engine.ModelRows;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// What the bridge costs: calls straight to a server beside the same calls through Fovea's
/// pass-through and, where there is one, through nginx's `grpc_pass`, in turn within one run.
///
/// Gateway and nginx are processes of their own. The first part's server computes nothing, so that
/// all that differs is the way; the second part's is a real Triton, kept busy.
final class BridgeBench {
  /// Until the gateway's compilers have settled: with a tenth of it, half of what is measured is
  /// code that is not compiled yet.
  private static final int WARM_UP = 20_000;

  private static final int RUN_IN = 1000;
  private static final int CALLS = 3000;
  private static final int[] SIZES = {150_528, 588 << 10};
  private static final int[] CALLERS = {1, 4};
  private static final int ROUNDS = 6;
  private static final long TURN_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final String GATEWAY = "gateway";

  private BridgeBench() {}

  static void run(String... arguments) throws Exception {
    if (arguments.length > 0 && arguments[0].equals(GATEWAY)) {
      PassThrough.serve(
          arguments[1], arguments[2].equals("pixels") ? ZeroCostServer.model() : shipped());
      return;
    }
    addedLatency();
    saturation();
  }

  private static ServableModel shipped() {
    return ModelRepository.read(Path.of("model-repository"), "bench")
        .families()
        .get("pico")
        .member(Role.VISION)
        .orElseThrow();
  }

  // --- Added latency --------------------------------------------------------------------------

  private static void addedLatency() throws Exception {
    try (ZeroCostServer server = new ZeroCostServer();
        Child gateway = Child.gateway(server.port(), "pixels");
        Child nginx = Child.nginx(server.port())) {
      List<Integer> ports = new ArrayList<>(List.of(server.port(), gateway.port()));
      if (nginx.port() > 0) {
        ports.add(nginx.port());
      } else {
        System.out.println("no nginx on the PATH: its column is missing");
      }
      measure(ports, pixels(SIZES[0]), 1, WARM_UP);
      for (int size : SIZES) {
        byte[] request = pixels(size);
        for (int callers : CALLERS) {
          measure(ports, request, callers, RUN_IN / callers);
          double[] p50 = measure(ports, request, callers, CALLS / callers);
          System.out.printf(
              "%3d KB, %d callers: direct p50 %4.0f us, Fovea adds %4.0f us",
              size / 1000, callers, p50[0], p50[1] - p50[0]);
          if (p50.length > 2) {
            System.out.printf(
                ", nginx adds %4.0f us, ratio %.2f",
                p50[2] - p50[0], (p50[1] - p50[0]) / (p50[2] - p50[0]));
          }
          System.out.println();
        }
      }
    }
  }

  private static byte[] pixels(int size) {
    return ModelInferRequest.newBuilder()
        .setModelName("pixels")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("pixels")
                .setDatatype("UINT8")
                .addShape(1)
                .addShape(size))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("vector"))
        .addRawInputContents(ByteString.copyFrom(new byte[size]))
        .build()
        .toByteArray();
  }

  /// Median microseconds of each way; every caller goes round the ways call by call.
  private static double[] measure(List<Integer> ports, byte[] request, int callers, int calls)
      throws Exception {
    double[][][] micros = new double[ports.size()][callers][calls];
    List<ManagedChannel> channels = new ArrayList<>();
    for (int port : ports) {
      channels.add(channel(port));
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(callers)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int caller = 0; caller < callers; caller++) {
        int own = caller;
        loops.add(
            executor.submit(() -> {
              for (int call = 0; call < calls; call++) {
                for (int way = 0; way < channels.size(); way++) {
                  long start = System.nanoTime();
                  infer(channels.get((way + own) % channels.size()), request);
                  micros[(way + own) % channels.size()][own][call] =
                      (System.nanoTime() - start) / 1e3;
                }
              }
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
    return Arrays.stream(micros)
        .mapToDouble(
            way -> Bench.median(Arrays.stream(way).flatMapToDouble(Arrays::stream).toArray()))
        .toArray();
  }

  private static ManagedChannel channel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port)
        .usePlaintext()
        .directExecutor()
        .maxInboundMessageSize(16 << 20)
        .build();
  }

  private static byte[] infer(ManagedChannel channel, byte[] request) {
    return ClientCalls.blockingUnaryCall(channel, RawBytes.INFER, CallOptions.DEFAULT, request);
  }

  // --- Saturation -----------------------------------------------------------------------------

  private static void saturation() throws Exception {
    ServableModel model = shipped();
    try (RealTriton triton = RealTriton.start();
        Child gateway = Child.gateway(triton.port(), model.name())) {
      ManagedChannel direct = channel(triton.port());
      ManagedChannel through = channel(gateway.port());
      byte[] request = row(model);
      double[] ratios = new double[ROUNDS];
      double[] directs = new double[ROUNDS];
      rate(direct, request);
      rate(through, request);
      for (int round = 0; round < ROUNDS; round++) {
        directs[round] = rate(direct, request);
        ratios[round] = rate(through, request) / directs[round];
      }
      System.out.printf(
          "%s on a real Triton, 8 callers: direct %.0f calls/s, through Fovea %s of that%n",
          model.name(), Bench.median(directs), Bench.quartiles(ratios, "%.3f"));
      direct.shutdownNow();
      through.shutdownNow();
    }
  }

  private static byte[] row(ServableModel model) {
    Map<String, Tensor> row = ModelRows.of(model, 1, 1).getFirst();
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName(model.name())
            .addOutputs(InferRequestedOutputTensor.newBuilder().setName(model.embeddingOutput()));
    for (TensorSpec input : model.signature().inputs()) {
      Tensor tensor = row.get(input.name());
      InferInputTensor.Builder made =
          InferInputTensor.newBuilder()
              .setName(input.name())
              .setDatatype(input.type().name())
              .addShape(1);
      for (long extent : tensor.shape().toArray()) {
        made.addShape(extent);
      }
      request
          .addInputs(made)
          .addRawInputContents(ByteString.copyFrom(tensor.data().asByteBuffer()));
    }
    return request.build().toByteArray();
  }

  private static double rate(ManagedChannel channel, byte[] request) throws Exception {
    AtomicLong done = new AtomicLong();
    long start = System.nanoTime();
    try (ExecutorService executor = Executors.newFixedThreadPool(8)) {
      List<Future<?>> loops = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        loops.add(
            executor.submit(() -> {
              while (System.nanoTime() - start < TURN_NANOS) {
                infer(channel, request);
                done.incrementAndGet();
              }
            }));
      }
      for (Future<?> loop : loops) {
        loop.get();
      }
    }
    return done.get() * 1e9 / (System.nanoTime() - start);
  }

  // --- Processes ------------------------------------------------------------------------------

  /// A process beside this one, and the port that it listens on; none where it is missing.
  private record Child(Process process, int port) implements AutoCloseable {
    static Child gateway(int server, String model) throws IOException {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "--sun-misc-unsafe-memory-access=allow",
                  "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Bench.class.getName(),
                  "bridge",
                  GATEWAY,
                  "127.0.0.1:" + server,
                  model)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith("port ")) {
          return new Child(process, Integer.parseInt(line.substring(5)));
        }
      }
      throw new IllegalStateException("the gateway did not start");
    }

    static Child nginx(int server) throws IOException {
      Path folder = Files.createTempDirectory("fovea-nginx");
      int port = freePort();
      Path configuration =
          Files.writeString(folder.resolve("nginx.conf"), configuration(folder, port, server));
      try {
        return new Child(
            new ProcessBuilder("nginx", "-p", folder.toString(), "-c", configuration.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start(),
            port);
      } catch (IOException _) {
        return new Child(null, 0);
      }
    }

    /// As one tunes it for this work: kept connections, bodies in memory, no log.
    private static String configuration(Path folder, int port, int server) {
      return """
      daemon off;
      worker_processes 2;
      pid %s/nginx.pid;
      error_log %s/error.log crit;
      events { worker_connections 256; }
      http {
        access_log off;
        client_max_body_size 0;
        client_body_buffer_size 2m;
        client_body_temp_path %s/body;
        keepalive_requests 10000000;
        upstream server { server 127.0.0.1:%d; keepalive 16; keepalive_requests 10000000; }
        server {
          listen 127.0.0.1:%d http2;
          http2_body_preread_size 1m;
          http2_chunk_size 64k;
          location / { grpc_pass grpc://server; grpc_buffer_size 64k; }
        }
      }
      """
          .formatted(folder, folder, folder, server, port);
    }

    private static int freePort() throws IOException {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      }
    }

    @Override
    public void close() {
      if (process != null) {
        process.destroy();
      }
    }
  }
}
