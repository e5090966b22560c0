package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.engine.scripted.Script;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.RealTriton;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Requests;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import dev.fovea.v1.Backend;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.GetModelResponse;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelState;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The whole program in front of a Triton.
@Timeout(180)
final class TritonGatewayTest {
  private static final Duration READINESS = Duration.ofSeconds(2);

  /// Answers of ones, or of whatever the test says, in the shapes of the shipped models.
  private static Script answering(float value) {
    return (model, row) -> {
      Map<String, Tensor> outputs = new HashMap<>();
      for (TensorSpec output : model.signature().outputs()) {
        if (output.shape().isFixed()) {
          float[] values = new float[(int) output.shape().elements()];
          Arrays.fill(values, value);
          outputs.put(output.name(), Tensor.ofFloats(output.shape(), values));
        }
      }
      return outputs;
    };
  }

  private static ServableModel[] shippedModels() {
    return ModelRepository.read(TestGateway.SHIPPED_REPOSITORY, "test").families().values().stream()
        .flatMap(family -> family.members().values().stream())
        .toArray(ServableModel[]::new);
  }

  private static TestGateway gateway(String server) {
    return TestGateway.start(
        Map.of("fovea.triton.servers", server, "fovea.triton.open-wait", "3s"));
  }

  @Test
  void shippedModelsAnswerFromARealTritonAndHealthFollowsIt() {
    try (RealTriton triton = RealTriton.start();
        TestGateway gateway = gateway(triton.address());
        TestGateway embedded = TestGateway.start()) {
      EmbedResponse there = embed(gateway, 1);
      assertThat(there.getCallInfo().getModelsList())
          .allSatisfy(model -> assertThat(model.getBackend()).isEqualTo(Backend.BACKEND_TRITON));
      assertThat(there.getResultsList()).isEqualTo(embed(embedded, 1).getResultsList());
      assertThat(health(gateway, "")).isEqualTo(ServingStatus.SERVING);

      triton.signal("KILL");

      for (String name : List.of("", "family/pico", EmbeddingServiceGrpc.SERVICE_NAME)) {
        Await.until(
            name + " is down", READINESS, () -> health(gateway, name) == ServingStatus.NOT_SERVING);
      }
      assertThatThrownBy(() -> embed(gateway, 1))
          .satisfies(thrown ->
              assertThat(Status.fromThrowable(thrown).getCode())
                  .isEqualTo(Status.Code.UNAVAILABLE));

      triton.restart();

      Await.until("up", READINESS, () -> health(gateway, "") == ServingStatus.SERVING);
      assertThat(embed(gateway, 1).getResultsList()).isEqualTo(there.getResultsList());
    }
  }

  /// While the first ones run, the others come together.
  @Test
  void batchesMayBeMadeHere() throws Exception {
    Script slow =
        new Script() {
          private final Script ones = answering(1);

          @Override
          public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
            return ones.answer(model, row);
          }

          @Override
          public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
            return Duration.ofSeconds(1);
          }
        };
    try (FakeTriton triton = FakeTriton.start(slow, shippedModels());
        TestGateway gateway =
            TestGateway.start(
                Map.of(
                    "fovea.repository",
                    TestGateway.ENCODERS.toString(),
                    "fovea.triton.servers",
                    triton.address(),
                    "fovea.triton.batching",
                    "gateway"));
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      int before = triton.requests();
      List<Future<EmbedResponse>> calls = new ArrayList<>();
      for (int seed = 0; seed < 12; seed++) {
        int own = seed;
        calls.add(callers.submit(() -> embed(gateway, own)));
      }
      for (Future<EmbedResponse> call : calls) {
        assertThat(call.get().getResultsCount()).isEqualTo(1);
      }
      assertThat(triton.requests() - before).isLessThan(12);
    }
  }

  @Test
  void startsBeforeItsTritonDoes() {
    FakeTriton gone = FakeTriton.start(answering(1), shippedModels());
    int port = gone.port();
    gone.close();
    try (TestGateway gateway = gateway("127.0.0.1:" + port)) {
      assertThat(health(gateway, "")).isEqualTo(ServingStatus.NOT_SERVING);

      try (FakeTriton _ = FakeTriton.startOn(port, answering(1), shippedModels())) {
        Await.until("up", READINESS, () -> health(gateway, "") == ServingStatus.SERVING);
        assertThat(embed(gateway, 1).getResultsCount()).isEqualTo(1);
      }
    }
  }

  @Test
  void familyThatDiffersIsNotServedAndSaysHow() {
    try (FakeTriton triton = FakeTriton.start(answering(1), shippedModels())) {
      triton.describeModels(config -> config.toBuilder().setMaxBatchSize(3).build());
      try (TestGateway gateway = gateway(triton.address())) {
        assertThat(health(gateway, "family/pico")).isEqualTo(ServingStatus.NOT_SERVING);
        GetModelResponse pico =
            ModelServiceGrpc.newBlockingStub(gateway.channel())
                .getModel(GetModelRequest.newBuilder().setModel("pico").build());
        assertThat(pico.getFamily().getState()).isEqualTo(ModelState.MODEL_STATE_UNAVAILABLE);
        assertThat(pico.getFamily().getStateReason())
            .contains(
                "pico_vision, as the server has it: max_batch_size (expected: 64, as the"
                    + " repository says)");
      }
    }
  }

  @Test
  void vectorThatIsNotFiniteIsABrokenBackendAndNoTextOfTheServerShows() {
    try (FakeTriton triton = FakeTriton.start(answering(Float.NaN), shippedModels())) {
      triton.setReady(false);
      try (TestGateway gateway = gateway(triton.address())) {
        triton.setReady(true);
        Await.until("up", READINESS, () -> health(gateway, "") == ServingStatus.SERVING);

        assertThat(embed(gateway, 1).getResults(0).getError().getStatus().getCode())
            .isEqualTo(Status.Code.INTERNAL.value());
        triton.refuse(
            _ -> Optional.of(Status.INTERNAL.withDescription("/models/secret at 10.0.0.7")));
        assertThatThrownBy(() -> embed(gateway, 2))
            .hasMessageNotContaining("secret")
            .hasMessageNotContaining("10.0.0.7");
      }
    }
  }

  @Test
  void addressThatIsNoneIsToldAtStart() {
    assertThatThrownBy(() -> gateway("nowhere"))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("server: nowhere (expected: host:port or dns:///host:port)");
  }

  private static EmbedResponse embed(TestGateway gateway, int seed) {
    return EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
        .embed(Requests.embed(Requests.noise(seed)));
  }

  private static ServingStatus health(TestGateway gateway, String name) {
    return HealthGrpc.newBlockingStub(gateway.channel())
        .check(HealthCheckRequest.newBuilder().setService(name).build())
        .getStatus();
  }
}
