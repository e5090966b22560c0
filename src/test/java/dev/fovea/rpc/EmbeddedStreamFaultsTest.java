package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.ChangingRepository;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Streams on the embedded engine.
final class EmbeddedStreamFaultsTest extends StreamFaultsContractTest {
  private ChangingRepository repository;
  private TestGateway gateway;

  @Override
  TestGateway start(Path models, Map<String, String> settings) throws Exception {
    repository = new ChangingRepository(Files.createTempDirectory("changing"), models);
    repository.publish(repository.prepare(1));
    Map<String, String> all = new HashMap<>(settings);
    all.put("fovea.repository", repository.root().toString());
    all.put("fovea.repository-poll-interval", "20ms");
    gateway = TestGateway.start(all);
    return gateway;
  }

  @Test
  void textsBesideOneThatBreaksGoOn() {
    StreamAnswerRequest.Builder beside = slow(2).toBuilder();
    beside.getConstraintBuilder().setRegex("z{20}");
    AnswerRequest broken = breakingInStep(3);
    Iterator<StreamAnswerResponse> parts = service().streamAnswer(beside.build());
    awaitDelta(parts);

    Refusal.of(() -> service().answer(broken)).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);

    List<StreamAnswerResponse> rest = new ArrayList<>();
    parts.forEachRemaining(rest::add);
    assertThat(Questions.text(rest)).isEqualTo("z".repeat(19));
  }

  @Test
  void streamGoesOnWhileItsModelsAreReplaced() throws Exception {
    StreamAnswerRequest.Builder request = slow(1).toBuilder();
    request.getConstraintBuilder().setRegex("z{20}");
    Iterator<StreamAnswerResponse> parts = service().streamAnswer(request.build());
    StreamAnswerResponse started = parts.next();
    awaitDelta(parts);
    double swaps = gateway.metric("fovea.models.swaps");

    repository.publish(repository.prepare(2));
    Await.until("swapped", WITHIN, () -> gateway.metric("fovea.models.swaps") > swaps);
    List<StreamAnswerResponse> next = Questions.parts(service(), quick(1));

    assertThat(started.getStarted().getModels(1).getVersion()).isEqualTo("1");
    assertThat(next.getFirst().getStarted().getModels(1).getVersion()).isEqualTo("2");
    List<StreamAnswerResponse> rest = new ArrayList<>();
    parts.forEachRemaining(rest::add);
    assertThat(rest.getLast().getFinished().getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_STOP);
    Await.until("released", WITHIN, () -> gateway.metric("fovea.models.retiring") == 0);
  }
}
