package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.ListModelsRequest;
import dev.fovea.v1.ListModelsResponse;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelServiceGrpc.ModelServiceBlockingStub;
import dev.fovea.v1.ModelState;
import dev.fovea.v1.Task;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `ModelService`, with whole and with broken repositories.
@Timeout(120)
final class ModelServiceTest {
  @TempDir private Path repository;

  @Test
  void tellsWhatIsServedAndWithinWhichLimits() {
    try (TestGateway gateway = TestGateway.start()) {
      ListModelsResponse response =
          service(gateway).listModels(ListModelsRequest.getDefaultInstance());

      assertThat(response.getNextPageToken()).isEmpty();
      assertThat(response.getLimits().getMaxItems()).isEqualTo(256);
      assertThat(response.getLimits().getMaxImagePixels()).isEqualTo(50_000_000);
      assertThat(response.getLimits().getMaxChunkBytes()).isEqualTo(1 << 20);
      assertThat(response.getLimits().getMaxUploadedImages()).isEqualTo(1024);
      assertThat(response.getLimits().getMaxUploadedBytes()).isEqualTo(64 << 20);
      assertThat(response.getLimits().getUploadTimeToLive().getSeconds()).isEqualTo(3600);
      assertThat(health(gateway, "fovea.v1.ImageService")).isEqualTo(ServingStatus.SERVING);
      ModelFamily pico = response.getFamilies(0);
      assertThat(pico.getName()).isEqualTo("pico");
      assertThat(pico.getState()).isEqualTo(ModelState.MODEL_STATE_READY);
      assertThat(pico.getTasksList())
          .contains(
              Task.TASK_EMBED_IMAGE,
              Task.TASK_EMBED_TEXT,
              Task.TASK_CLASSIFY,
              Task.TASK_MAP_RELEVANCE,
              Task.TASK_EXTRACT_PATCH_FEATURES);
      assertThat(pico.getImageInput().getWidth()).isEqualTo(128);
      assertThat(pico.getImageInput().getPatchSize()).isEqualTo(16);
      assertThat(pico.getImageInput().getBackend()).isEqualTo("pil");
      assertThat(pico.getImageInput().getImageDecoders())
          .startsWith("jpeg=imageio")
          .contains(" png=");
      assertThat(pico.getTextInput().getMaxTokens()).isEqualTo(64);
      assertThat(pico.getEmbeddingSpace().getDimension()).isPositive();
      assertThat(pico.getEmbeddingSpace().hasSingleLabel()).isTrue();
      assertThat(pico.getMembersList()).hasSize(5);
      assertThat(
              service(gateway)
                  .getModel(GetModelRequest.newBuilder().setModel("pico_text").build())
                  .getFamily())
          .isEqualTo(pico);
    }
  }

  @Test
  void brokenFamilyIsShownWithItsReasonAndTheOthersAreServed() throws IOException {
    copy("pico_vision");
    copy("pico_text");
    edit("pico_text/config.pbtxt", "\"pico\"", "\"other\"");
    edit("pico_text/config.pbtxt", "max_batch_size: 64", "max_batch_size: -1");

    try (TestGateway gateway =
        TestGateway.start(Map.of("fovea.repository", repository.toString()))) {
      ListModelsResponse response =
          service(gateway).listModels(ListModelsRequest.getDefaultInstance());

      assertThat(response.getFamiliesList())
          .extracting(ModelFamily::getName)
          .containsExactly("other", "pico");
      ModelFamily other = response.getFamilies(0);
      assertThat(other.getState()).isEqualTo(ModelState.MODEL_STATE_UNAVAILABLE);
      assertThat(other.getStateReason())
          .isEqualTo("pico_text/config.pbtxt: max_batch_size (expected: 1 or more)");
      assertThat(response.getFamilies(1).getTasksList())
          .containsExactly(Task.TASK_EMBED_IMAGE, Task.TASK_EXTRACT_PATCH_FEATURES);
      assertThat(health(gateway, "family/other")).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(health(gateway, "family/pico")).isEqualTo(ServingStatus.SERVING);
      assertThat(health(gateway, "")).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(health(gateway, "fovea.v1.EmbeddingService")).isEqualTo(ServingStatus.SERVING);
      assertThat(health(gateway, "fovea.v1.ClassificationService"))
          .isEqualTo(ServingStatus.NOT_SERVING);
    }
  }

  @Test
  void pagesThroughTheFamilies() throws IOException {
    copy("pico_vision");
    copy("pico_text");
    edit("pico_text/config.pbtxt", "\"pico\"", "\"words\"");

    try (TestGateway gateway =
        TestGateway.start(Map.of("fovea.repository", repository.toString()))) {
      ListModelsResponse first =
          service(gateway).listModels(ListModelsRequest.newBuilder().setPageSize(1).build());
      ListModelsResponse second =
          service(gateway)
              .listModels(
                  ListModelsRequest.newBuilder()
                      .setPageSize(1)
                      .setPageToken(first.getNextPageToken())
                      .build());

      assertThat(first.getFamilies(0).getName()).isEqualTo("pico");
      assertThat(second.getFamilies(0).getName()).isEqualTo("words");
      assertThat(second.getNextPageToken()).isEmpty();
    }
  }

  @Test
  void familyThatIsNotThereIsNotFound() {
    try (TestGateway gateway = TestGateway.start()) {
      Refusal.of(() ->
              service(gateway).getModel(GetModelRequest.newBuilder().setModel("gone").build()))
          .mustBe(Code.NOT_FOUND, Reason.MODEL_NOT_FOUND, "model.model");
    }
  }

  private static ModelServiceBlockingStub service(TestGateway gateway) {
    return ModelServiceGrpc.newBlockingStub(gateway.channel());
  }

  private static ServingStatus health(TestGateway gateway, String name) {
    return HealthGrpc.newBlockingStub(gateway.channel())
        .check(HealthCheckRequest.newBuilder().setService(name).build())
        .getStatus();
  }

  private void copy(String model) throws IOException {
    Path from = TestGateway.SHIPPED_REPOSITORY.resolve(model);
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path to = repository.resolve(TestGateway.SHIPPED_REPOSITORY.relativize(file));
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
  }

  private void edit(String file, String from, String to) throws IOException {
    Path path = repository.resolve(file);
    String text = Files.readString(path);
    assertThat(text).contains(from);
    Files.writeString(path, text.replace(from, to));
  }
}
