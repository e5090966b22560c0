package dev.fovea.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.RealTriton;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.StreamAnswerResponse;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/// Streams on a real Triton.
final class RealTritonStreamFaultsTest extends StreamFaultsContractTest {
  private RealTriton triton;

  @Override
  TestGateway start(Path models, Map<String, String> settings) {
    triton = RealTriton.start(List.of(models));
    Map<String, String> all = new HashMap<>(settings);
    all.put("fovea.repository", models.toString());
    all.put("fovea.triton.servers", triton.address());
    return TestGateway.start(all);
  }

  @AfterAll
  void end() {
    if (triton != null) {
      triton.close();
    }
  }

  @Test
  void serverThatIsKilledEndsTheStreamAfterTheTextSoFarAndServesAgainWhenItIsBack() {
    Iterator<StreamAnswerResponse> parts = service().streamAnswer(slow(1));
    awaitDelta(parts);
    awaitDelta(parts);

    triton.signal("KILL");

    refusalBehind(parts, new ArrayList<>()).mustBe(Code.UNAVAILABLE, Reason.BACKEND_UNAVAILABLE);
    Refusal.of(() -> service().answer(quick(2)))
        .mustBe(Code.UNAVAILABLE, Reason.BACKEND_UNAVAILABLE);

    triton.restart();

    Await.until("it answers again", WITHIN, this::answers);
  }

  private boolean answers() {
    try {
      return service().answer(quick(2)).getAnswer().getTokenCount() >= 100;
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Code.UNAVAILABLE);
      return false;
    }
  }

  @Test
  void serverThatStandsStillEndsTheStreamAtItsDeadlineAndGoesOnAfterwards() {
    Iterator<StreamAnswerResponse> parts =
        service().withDeadlineAfter(4, TimeUnit.SECONDS).streamAnswer(slow(1));
    awaitDelta(parts);

    triton.signal("STOP");
    List<StreamAnswerResponse> rest = new ArrayList<>();
    parts.forEachRemaining(rest::add);
    triton.signal("CONT");

    assertThat(rest.getLast().getFinished().getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_DEADLINE);
    Await.until("it answers again", WITHIN, this::answers);
  }
}
