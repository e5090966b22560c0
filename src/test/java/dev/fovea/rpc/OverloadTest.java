package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.noise;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A server that has room for nine items, over a real channel, on an engine that the test holds up.
@Timeout(60)
final class OverloadTest {
  private static final int ROOM = 9;

  private final GateScript script = new GateScript();
  private TestGateway gateway;

  @BeforeEach
  void start() {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.admission.start-items", "10",
                "fovea.admission.least-items", "10",
                "fovea.admission.most-items", "10",
                "fovea.call.trust-caller-header", "true"),
            clock -> new ScriptedEngine(script, clock, 64));
  }

  @AfterEach
  void stop() {
    script.letThrough();
    gateway.close();
  }

  @Test
  void callIsRefusedByItsHeadersBeforeItSendsAnything() {
    List<ListenableFuture<EmbedResponse>> underWay = fill();

    HeadersOnly call = new HeadersOnly(gateway.channel());

    Refusal refusal = call.refusal();
    refusal.mustBe(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL);
    assertThat(refusal.retryable()).isTrue();
    assertThat(refusal.metadata()).containsKey("requestId");
    underWay.forEach(c -> c.cancel(true));
  }

  @Test
  void nothingOfARefusedCallIsDecoded() {
    long before = gateway.count("fovea.stage.duration", "stage", "preprocess");
    List<ListenableFuture<EmbedResponse>> underWay = fill();

    for (int i = 0; i < 100; i++) {
      Refusal.of(() -> EmbeddingServiceGrpc.newBlockingStub(gateway.channel()).embed(request()))
          .mustBe(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL);
    }

    assertThat(gateway.count("fovea.stage.duration", "stage", "preprocess"))
        .isLessThanOrEqualTo(before + ROOM);
    underWay.forEach(c -> c.cancel(true));
  }

  @Test
  void callThatLeavesBeforeItsMessageLeavesItsRoom() {
    HeadersOnly call = new HeadersOnly(gateway.channel());
    awaitUnderWay(1);

    call.cancel();

    awaitUnderWay(0);
  }

  @Test
  void roomIsGivenBackByEveryCallHoweverItEnds() {
    List<ListenableFuture<EmbedResponse>> underWay = fill();
    underWay.subList(0, ROOM - 1).forEach(c -> c.cancel(true));
    script.letThrough();
    underWay.getLast().cancel(true);

    awaitUnderWay(0);
    assertThat(
            EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                .embed(request())
                .getResults(0)
                .hasEmbedding())
        .isTrue();
    awaitUnderWay(0);
  }

  /// The transport counts streams that a client resets and those that the server does: refusing
  /// must be neither.
  @Test
  void connectionOutlivesAThousandRefusals() {
    List<ListenableFuture<EmbedResponse>> underWay = fill();

    for (int i = 0; i < 1_000; i++) {
      new HeadersOnly(gateway.channel())
          .refusal()
          .mustBe(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL);
    }

    script.letThrough();
    assertThat(underWay).noneMatch(ListenableFuture::isDone);
    underWay.forEach(c -> c.cancel(true));
  }

  @Test
  void honestClientWhoseCallsAllEndLateKeepsItsConnection() {
    List<ListenableFuture<EmbedResponse>> underWay = fill();
    List<HeadersOnly> late = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      late.add(new HeadersOnly(gateway.channel()));
    }

    late.forEach(HeadersOnly::cancel);

    new HeadersOnly(gateway.channel()).refusal().mustBe(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL);
    assertThat(underWay).noneMatch(ListenableFuture::isDone);
    underWay.forEach(c -> c.cancel(true));
  }

  @Test
  void othersFindRoomBesideACallerThatIsGreedy() {
    script.holdUp();
    List<ListenableFuture<EmbedResponse>> greedy = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      greedy.add(EmbeddingServiceGrpc.newFutureStub(gateway.channelOf("greedy")).embed(request()));
    }
    awaitUnderWay(6);
    new HeadersOnly(gateway.channelOf("greedy"))
        .refusal()
        .mustBe(Code.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED);

    HeadersOnly modest = new HeadersOnly(gateway.channelOf("modest"));

    awaitUnderWay(7);
    modest.cancel();
    greedy.forEach(c -> c.cancel(true));
  }

  /// Calls of different callers that take all the room there is, and go on taking it.
  private List<ListenableFuture<EmbedResponse>> fill() {
    script.holdUp();
    List<ListenableFuture<EmbedResponse>> calls = new ArrayList<>();
    for (int i = 0; i < ROOM; i++) {
      calls.add(
          EmbeddingServiceGrpc.newFutureStub(gateway.channelOf("caller " + i))
              .withDeadlineAfter(50, TimeUnit.SECONDS)
              .embed(request()));
    }
    awaitUnderWay(ROOM);
    return calls;
  }

  private void awaitUnderWay(int items) {
    Await.until(
        items + " items under way",
        Duration.ofSeconds(20),
        () -> gateway.metric("fovea.admission.items") == items);
  }

  private static EmbedRequest request() {
    return embed(noise(1));
  }

  /// A call that sends its headers and no message.
  private static final class HeadersOnly extends ClientCall.Listener<EmbedResponse> {
    private final ClientCall<EmbedRequest, EmbedResponse> call;
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    /// As a stream in both directions: a client keeps the headers of other calls until it has a
    /// message.
    HeadersOnly(Channel channel) {
      this.call =
          channel.newCall(
              EmbeddingServiceGrpc.getEmbedMethod().toBuilder()
                  .setType(MethodType.BIDI_STREAMING)
                  .build(),
              CallOptions.DEFAULT.withDeadlineAfter(50, TimeUnit.SECONDS));
      call.start(this, new Metadata());
      call.request(1);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      end.completeExceptionally(new StatusRuntimeException(status, trailers));
    }

    Refusal refusal() {
      return Refusal.of(() -> {
        try {
          end.join();
        } catch (CompletionException e) {
          throw e.getCause();
        }
      });
    }

    void cancel() {
      call.cancel("enough", null);
    }
  }
}
