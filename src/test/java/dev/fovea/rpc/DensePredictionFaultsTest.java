package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.HeadModels;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.Script;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.DensePredictionServiceGrpc.DensePredictionServiceBlockingStub;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.EstimateDepthResponse;
import io.grpc.Status.Code;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Two inferences, one behind the other, and what can go wrong with the second: the models are a
/// script's.
@Timeout(60)
final class DensePredictionFaultsTest {
  private final TwoModels script = new TwoModels();
  private TestGateway gateway;
  private DensePredictionServiceBlockingStub service;

  /// Answers for both models, and keeps what each was asked last.
  private static final class TwoModels implements Script {
    private final Map<Role, Map<String, Tensor>> asked = new ConcurrentHashMap<>();
    private volatile Tensor depths = Tensor.zeros(DataType.FP32, Shape.of(64, 16));
    private volatile Duration depthTakes = Duration.ZERO;

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      asked.put(model.role(), row);
      return switch (model.role()) {
        case VISION -> {
          float[] features = new float[64 * 224];
          for (int i = 0; i < features.length; i++) {
            features[i] = i;
          }
          yield Map.of(
              "image_embedding",
              Tensor.ofFloats(Shape.of(192), new float[192]),
              "patch_features",
              Tensor.ofFloats(Shape.of(64, 224), features));
        }
        case DEPTH -> Map.of("depth", depths);
        case TEXT -> Map.of("text_embedding", Tensor.ofFloats(Shape.of(192), new float[192]));
        default -> throw new IllegalStateException(model + " is not asked here");
      };
    }

    @Override
    public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
      return model.role() == Role.DEPTH ? depthTakes : Duration.ZERO;
    }
  }

  @BeforeEach
  void start(@TempDir Path folder) {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.repository",
                HeadModels.repository(folder).toString(),
                "fovea.call.default-deadline",
                "2s"),
            clock -> new ScriptedEngine(script, clock, 8));
    service = DensePredictionServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private EstimateDepthResponse estimate() {
    return service.estimateDepth(
        EstimateDepthRequest.newBuilder()
            .setImage(Requests.noise(1).getContent().getImage())
            .build());
  }

  @Test
  void secondModelIsGivenWhatTheEncoderHadAndWhatItMade() {
    EstimateDepthResponse response = estimate();

    Map<String, Tensor> seen = script.asked.get(Role.VISION);
    Map<String, Tensor> read = script.asked.get(Role.DEPTH);
    assertThat(read).containsOnlyKeys("patch_features", "patch_mask", "patch_positions");
    assertThat(read.get("patch_mask").data().mismatch(seen.get("patch_mask").data())).isEqualTo(-1);
    assertThat(read.get("patch_positions").data().mismatch(seen.get("patch_positions").data()))
        .isEqualTo(-1);
    assertThat(read.get("patch_features").toFloats()[64 * 224 - 1]).isEqualTo(64 * 224 - 1);
    assertThat(response.getDepthsList()).hasSize(32 * 32).containsOnly(0f);
  }

  @Test
  void numberThatIsNotFiniteIsTheModelsFault() {
    float[] depths = new float[64 * 16];
    depths[5] = Float.NaN;
    script.depths = Tensor.ofFloats(Shape.of(64, 16), depths);

    Refusal.of(this::estimate).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
  }

  @Test
  void answerForFewerPatchesThanThereAreIsTheModelsFault() {
    script.depths = Tensor.zeros(DataType.FP32, Shape.of(63, 16));

    Refusal.of(this::estimate).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
  }

  @Test
  void deadlineThatPassesInTheSecondModelEndsTheCall() {
    script.depthTakes = Duration.ofHours(1);

    Refusal.of(this::estimate).mustBe(Code.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED);
  }
}
