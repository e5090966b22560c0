package dev.fovea.app;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The packaged program as a process of its own: the ready line, HTTP, an orderly end, and a start
/// that cannot be.
@Timeout(120)
final class PackagedServerIT {
  private static final Pattern READY =
      Pattern.compile(
          "Fovea is ready in [0-9.]+ s: gRPC 127\\.0\\.0\\.1:([0-9]+), HTTP 127\\.0\\.0\\.1:([0-9]+),"
              + " engine ONNX Runtime [0-9.]+, images jpeg=[a-z+]+ [a-z0-9=. -]+, families pico \\(vision, text, decoder, depth, emotion\\)");

  @Test
  void saysThatItIsReadyServesAndEndsInOrder() throws Exception {
    Process server = start("--port", "0", "--http-port", "0");
    try {
      BufferedReader out = server.inputReader(StandardCharsets.UTF_8);
      Matcher ready = READY.matcher(out.readLine());
      assertThat(ready.matches()).isTrue();
      String http = "http://127.0.0.1:" + ready.group(2);
      assertThat(get(http + "/q/health/ready")).contains("\"UP\"");
      assertThat(get(http + "/q/health/live")).contains("\"UP\"");

      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(ready.group(1)))
              .usePlaintext()
              .build();
      Future<EmbedResponse> underWay =
          EmbeddingServiceGrpc.newFutureStub(channel).embed(manyPictures());
      assertThat(
              EmbeddingServiceGrpc.newBlockingStub(channel)
                  .embed(embed(noise(1)))
                  .getResults(0)
                  .hasEmbedding())
          .isTrue();
      assertThat(get(http + "/q/metrics"))
          .contains(
              "fovea_rpc_duration_seconds_count{code=\"OK\",method=\"fovea.v1.EmbeddingService/Embed\"}",
              "fovea_stage_duration_seconds_count{stage=\"decode\"}",
              "fovea_rpc_inflight");

      server.toHandle().destroy();

      assertThat(underWay.get(60, TimeUnit.SECONDS).getResultsCount()).isEqualTo(64);
      channel.shutdownNow();
      assertThat(out.readLine()).startsWith("Fovea drains");
      assertThat(out.readLine()).isEqualTo("Fovea says goodbye after 2 calls");
      assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(server.exitValue()).isZero();
    } finally {
      server.destroyForcibly();
    }
  }

  private static EmbedRequest manyPictures() {
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    for (int i = 0; i < 64; i++) {
      request.addItems(noise(i));
    }
    return request.build();
  }

  private static String get(String uri) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(URI.create(uri)).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }

  @Test
  void repositoryWithFaultsIsToldInFullAndEndsTheProgram(@TempDir Path repository)
      throws Exception {
    Path model = Files.createDirectories(repository.resolve("blind"));
    Files.writeString(
        model.resolve("config.pbtxt"), "name: \"seeing\" backend: \"magic\" max_batch_size: 0");

    Process server =
        start("--port", "0", "--http-port", "0", "--repository", repository.toString());

    String err = new String(server.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(server.waitFor()).isEqualTo(1);
    assertThat(err)
        .contains(
            "Fovea cannot start",
            "blind/config.pbtxt: name: seeing (expected: blind",
            "blind/config.pbtxt: backend: \"magic\" (expected: \"onnxruntime\")",
            "blind/config.pbtxt: max_batch_size: 0 (expected: 1 or more)",
            "blind/config.pbtxt: parameters.role: \"\" (expected: one of vision, text, decoder, depth, emotion)")
        .doesNotContain("Exception");
  }

  @Test
  void portThatIsTakenIsToldAndEndsTheProgram() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Process server = start("--port", String.valueOf(taken.getLocalPort()), "--http-port", "0");

      String err = new String(server.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(server.waitFor()).isEqualTo(1);
      assertThat(err)
          .contains("Fovea cannot start: cannot listen on 127.0.0.1:" + taken.getLocalPort());
    }
  }

  @Test
  void helpListsTheOptions() throws Exception {
    Process help = start("--help");

    String out = new String(help.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(help.waitFor()).isZero();
    assertThat(out).contains("--host", "--port", "--http-port", "--repository");
  }

  private static Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-jar");
    command.add("target/quarkus-app/quarkus-run.jar");
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).start();
  }
}
