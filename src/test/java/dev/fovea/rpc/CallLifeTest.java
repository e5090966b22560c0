package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.v1.Backend;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.UploadImageRequest;
import dev.fovea.v1.UploadImageResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.stub.BlockingClientCall;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What becomes of calls whose time runs out, whose caller leaves, or whose engine breaks: over a
/// real channel, on an engine that the test holds up.
@Timeout(60)
final class CallLifeTest {
  private static final int QUEUE_SIZE = 4;

  private final GateScript script = new GateScript();
  private TestGateway gateway;
  private EmbeddingServiceBlockingStub service;

  @BeforeEach
  void start() {
    gateway =
        TestGateway.start(
            Map.of("fovea.call.default-deadline", "2s", "fovea.drain.grace", "20s"),
            clock -> new ScriptedEngine(script, clock, QUEUE_SIZE));
    service = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterEach
  void stop() {
    script.letThrough();
    gateway.close();
  }

  @Test
  void answersSayThatAScriptMadeThem() {
    assertThat(service.embed(embed(noise(1))).getCallInfo().getModels(0).getBackend())
        .isEqualTo(Backend.BACKEND_SCRIPTED);
  }

  @Test
  void clientsDeadlineEndsTheCall() {
    script.holdUp();

    Refusal refusal =
        Refusal.of(
            () -> service.withDeadlineAfter(50, TimeUnit.MILLISECONDS).embed(embed(noise(1))));

    assertThat(refusal.code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    nextCallWorks();
  }

  @Test
  void callWithoutADeadlineEndsAtTheDefaultOneAndSaysWhatDidNotHappen() {
    script.holdUp();

    Refusal refusal = Refusal.of(() -> service.embed(embed(noise(1))));

    refusal.mustBe(Code.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED);
    assertThat(refusal.metadata()).containsEntry("step", "the model's answer");
    nextCallWorks();
  }

  @Test
  void uploadThatStallsEndsAtTheDefaultDeadlineAndSaysWhatDidNotHappen() throws Exception {
    BlockingClientCall<UploadImageRequest, UploadImageResponse> upload =
        ImageServiceGrpc.newBlockingV2Stub(gateway.channel()).uploadImage();
    upload.write(Uploads.metadata());

    Refusal refusal = Refusal.of(() -> Uploads.read(upload));

    refusal.mustBe(Code.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED);
    assertThat(refusal.metadata()).containsEntry("step", "the next message");
    assertThat(gateway.metric("fovea.uploads.images")).isZero();
  }

  @Test
  void drainLetsAnUploadUnderWayFinish() throws Exception {
    byte[] cat = Files.readAllBytes(Path.of("src/test/resources/golden/images/420-q90.jpg"));
    BlockingClientCall<UploadImageRequest, UploadImageResponse> upload =
        ImageServiceGrpc.newBlockingV2Stub(gateway.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .uploadImage();
    upload.write(Uploads.metadata());
    while (gateway.metric("fovea.uploads.images") == 0) {
      Thread.onSpinWait();
    }

    Thread draining = Thread.startVirtualThread(gateway::drain);

    assertThat(Uploads.end(upload, Uploads.chunk(cat)).getHandle()).isNotEmpty();
    draining.join();
  }

  @Test
  void callerThatLeavesFreesItsSlotAtOnce() throws Exception {
    script.holdUp();
    List<ListenableFuture<EmbedResponse>> calls = new ArrayList<>();
    for (int slot = 0; slot < 2; slot++) {
      calls.add(futureCall());
      script.awaitExecution();
    }
    // Both slots are taken: were they not given back, the next call would find none in time.
    calls.forEach(call -> call.cancel(true));

    nextCallWorks();
  }

  @Test
  void connectionThatBreaksFreesItsSlots() throws Exception {
    script.holdUp();
    ManagedChannel other = gateway.newChannel();
    for (int slot = 0; slot < 2; slot++) {
      ListenableFuture<EmbedResponse> _ =
          EmbeddingServiceGrpc.newFutureStub(other).embed(embed(noise(1)));
      script.awaitExecution();
    }
    other.shutdownNow();

    nextCallWorks();
  }

  @Test
  void workForACallerThatHasGoneIsNeverBegun() throws Exception {
    script.holdUp();
    ListenableFuture<EmbedResponse> first = futureCall();
    script.awaitExecution();
    ListenableFuture<EmbedResponse> second = futureCall();
    script.awaitExecution();
    int begun = script.executions();
    ListenableFuture<EmbedResponse> waiting =
        EmbeddingServiceGrpc.newFutureStub(gateway.channel())
            .withDeadlineAfter(50, TimeUnit.MILLISECONDS)
            .embed(embed(noise(1)));

    assertThat(refusalOf(waiting).code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    assertThat(script.executions()).isEqualTo(begun);
    first.cancel(true);
    second.cancel(true);
    nextCallWorks();
  }

  @Test
  void fullQueueIsRefusedWithATimeToComeBack() throws Exception {
    script.holdUp();
    List<ListenableFuture<EmbedResponse>> calls = new ArrayList<>();
    for (int i = 0; i < 2 + QUEUE_SIZE + 1; i++) {
      calls.add(futureCall());
    }

    Refusal refusal = firstRefusal(calls);

    refusal.mustBe(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL);
    assertThat(refusal.retryable()).isTrue();
    assertThat(refusal.metadata()).containsEntry("limit", String.valueOf(QUEUE_SIZE));
    calls.forEach(call -> call.cancel(true));
  }

  @Test
  void engineThatBreaksIsAnInternalErrorThatTellsNothingOfIt() {
    script.breakDown();

    Refusal refusal = Refusal.of(() -> service.embed(embed(noise(1))));

    refusal.mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    assertThat(refusal.message()).isEqualTo("pico_vision failed");
    script.mend();
    nextCallWorks();
  }

  @Test
  void drainLetsCallsUnderWayFinish() throws Exception {
    ManagedChannel late = gateway.newChannel();
    script.take(Duration.ofMillis(300));
    ListenableFuture<EmbedResponse> underWay = futureCall();
    script.awaitExecution();

    Thread draining = Thread.startVirtualThread(gateway::drain);

    assertThat(underWay.get(20, TimeUnit.SECONDS).getResults(0).hasEmbedding()).isTrue();
    draining.join();
    try {
      assertThat(
              Refusal.of(() -> EmbeddingServiceGrpc.newBlockingStub(late).embed(embed(noise(1))))
                  .code())
          .isEqualTo(Code.UNAVAILABLE);
    } finally {
      late.shutdownNow();
    }
  }

  private ListenableFuture<EmbedResponse> futureCall() {
    return EmbeddingServiceGrpc.newFutureStub(gateway.channel())
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .embed(embed(noise(1)));
  }

  private void nextCallWorks() {
    script.letThrough();
    EmbedResponse response = service.withDeadlineAfter(20, TimeUnit.SECONDS).embed(embed(noise(1)));
    assertThat(response.getResults(0).hasEmbedding()).isTrue();
  }

  private static Refusal firstRefusal(List<ListenableFuture<EmbedResponse>> calls) {
    while (true) {
      for (ListenableFuture<EmbedResponse> call : calls) {
        if (call.isDone()) {
          return refusalOf(call);
        }
      }
      Thread.onSpinWait();
    }
  }

  private static Refusal refusalOf(ListenableFuture<EmbedResponse> call) {
    return Refusal.of(() -> {
      try {
        call.get();
      } catch (ExecutionException e) {
        throw e.getCause();
      }
    });
  }
}
