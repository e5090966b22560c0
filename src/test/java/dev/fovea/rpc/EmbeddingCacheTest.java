package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.util.Durations;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.NormalizedBox;
import io.grpc.Channel;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Vectors that are kept, over a real channel, on an engine whose executions the test counts and
/// holds up.
@Timeout(60)
final class EmbeddingCacheTest {
  private static final Duration A_WHILE = Duration.ofSeconds(20);

  private final GateScript script = new GateScript();
  private TestGateway gateway;
  private EmbeddingServiceBlockingStub service;
  private int executionsBefore;

  @BeforeEach
  void start() {
    open(Map.of());
  }

  private void open(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.putIfAbsent("fovea.cache.max-bytes", "1000000");
    settings.put("fovea.call.trust-caller-header", "true");
    gateway = TestGateway.start(settings, clock -> new ScriptedEngine(script, clock, 256));
    service = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
    executionsBefore = script.executions();
  }

  private void reopen(Map<String, String> more) {
    gateway.close();
    open(more);
  }

  @AfterEach
  void stop() {
    script.letAnswersGo();
    script.letThrough();
    gateway.close();
  }

  private int executions() {
    return script.executions() - executionsBefore;
  }

  @Test
  void sameContentIsNeitherDecodedNorGivenToTheModelAgain() throws Exception {
    byte[] cat = Files.readAllBytes(Path.of("examples/cat.jpg"));
    EmbedResponse first = service.embed(embed(image(cat), text("a cat")));

    EmbedResponse second = service.embed(embed(image(cat), text("a cat")));

    assertThat(executions()).isEqualTo(2);
    assertThat(hits(first)).containsExactly(false, false);
    assertThat(hits(second)).containsExactly(true, true);
    assertThat(second.getResults(0).getEmbedding().getVector())
        .isEqualTo(first.getResults(0).getEmbedding().getVector());
    assertThat(second.getResults(0).getEmbedding().getOrientedWidth())
        .isEqualTo(first.getResults(0).getEmbedding().getOrientedWidth())
        .isPositive();
    assertThat(second.getResults(1).getEmbedding().getTokens()).isPositive();
    assertThat(second.getCallInfo().getUsage().getImages()).isZero();
    assertThat(second.getCallInfo().getUsage().getTexts()).isZero();
    assertThat(second.getCallInfo().getUsage().getCachedImages()).isEqualTo(1);
    assertThat(second.getCallInfo().getUsage().getCachedTexts()).isEqualTo(1);
    assertThat(Durations.toNanos(second.getCallInfo().getTimings().getDecode())).isZero();
    assertThat(second.getCallInfo().getModelsList())
        .extracting(ModelRef::getModel)
        .containsExactlyInAnyOrder("pico_vision", "pico_text");
    // The warm-up has found none.
    assertThat(gateway.metric("fovea.cache.hits")).isEqualTo(2);
    assertThat(gateway.metric("fovea.cache.misses")).isGreaterThan(2);
    assertThat(gateway.metric("fovea.cache.bytes")).isPositive();
  }

  @Test
  void hitIsAnsweredWhileTheEngineIsTaken() {
    service.embed(embed(noise(1)));
    script.holdUp();
    List<ListenableFuture<EmbedResponse>> taken = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      taken.add(call(gateway.channel(), embed(noise(100 + i))));
    }

    EmbedResponse hit = service.withDeadlineAfter(20, TimeUnit.SECONDS).embed(embed(noise(1)));

    assertThat(hits(hit)).containsExactly(true);
    taken.forEach(call -> call.cancel(true));
  }

  @Test
  void hundredEqualCallsAtOnceAreOneExecution() throws Exception {
    script.holdAnswers();
    List<ListenableFuture<EmbedResponse>> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      calls.add(call(gateway.channel(), embed(noise(1))));
    }
    awaitJoins(99);

    script.letAnswersGo();

    int made = 0;
    for (ListenableFuture<EmbedResponse> call : calls) {
      made += hits(call.get(20, TimeUnit.SECONDS)).contains(false) ? 1 : 0;
    }
    assertThat(made).isEqualTo(1);
    assertThat(executions()).isEqualTo(1);
  }

  @Test
  void equalItemsOfOneCallAreEmbeddedOnce() {
    EmbedResponse response = service.embed(embed(noise(1), noise(2), noise(1), noise(1)));

    assertThat(hits(response)).containsExactly(false, false, true, true);
    assertThat(response.getCallInfo().getUsage().getImages()).isEqualTo(2);
    assertThat(response.getCallInfo().getUsage().getCachedImages()).isEqualTo(2);
  }

  @Test
  void whoWaitsTakesOverWhenTheFirstCallerGoesAway() throws Exception {
    script.holdUp();
    ListenableFuture<EmbedResponse> first = call(gateway.channel(), embed(noise(1)));
    script.awaitExecution();
    ListenableFuture<EmbedResponse> second = call(gateway.channel(), embed(noise(1)));
    ListenableFuture<EmbedResponse> third = call(gateway.channel(), embed(noise(1)));
    awaitJoins(2);
    script.letThrough();

    first.cancel(true);

    assertThat(second.get(20, TimeUnit.SECONDS).getResults(0).hasEmbedding()).isTrue();
    assertThat(third.get(20, TimeUnit.SECONDS).getResults(0).hasEmbedding()).isTrue();
    assertThat(executions()).isEqualTo(2);
  }

  @Test
  void whoWaitsTakesOverWhenTheFirstCallFails() throws Exception {
    script.holdAnswers();
    ListenableFuture<EmbedResponse> first = call(gateway.channel(), embed(noise(1)));
    script.awaitExecution();
    ListenableFuture<EmbedResponse> second = call(gateway.channel(), embed(noise(1)));
    awaitJoins(1);
    script.breakDown();

    script.letAnswersGo();

    // Both are refused by the engine itself: the second has asked it too.
    for (ListenableFuture<EmbedResponse> call : List.of(first, second)) {
      Refusal.of(() -> get(call)).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    }
    assertThat(executions()).isEqualTo(2);
    script.mend();
    assertThat(hits(service.embed(embed(noise(1))))).containsExactly(false);
  }

  @Test
  void whoWaitsIsBoundByItsOwnDeadline() throws Exception {
    script.holdAnswers();
    ListenableFuture<EmbedResponse> first = call(gateway.channel(), embed(noise(1)));
    script.awaitExecution();

    Refusal refusal =
        Refusal.of(
            () -> service.withDeadlineAfter(100, TimeUnit.MILLISECONDS).embed(embed(noise(1))));

    assertThat(refusal.code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    script.letAnswersGo();
    assertThat(hits(first.get(20, TimeUnit.SECONDS))).containsExactly(false);
  }

  @Test
  void callsThatWaitForEachOtherBothEnd() throws Exception {
    for (int round = 0; round < 50; round++) {
      Item one = noise(1000 + 2 * round);
      Item other = noise(1001 + 2 * round);
      ListenableFuture<EmbedResponse> forth = call(gateway.channel(), embed(one, other));
      ListenableFuture<EmbedResponse> back = call(gateway.channel(), embed(other, one));
      for (ListenableFuture<EmbedResponse> call : List.of(forth, back)) {
        assertThat(call.get(20, TimeUnit.SECONDS).getResultsList())
            .allMatch(EmbedResult::hasEmbedding);
      }
    }
    assertThat(gateway.metric("fovea.cache.pending")).isZero();
  }

  @Test
  void brokenImageIsRefusedEachTimeAndNeverKept() {
    Item broken = image(new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, 2});

    for (int i = 0; i < 2; i++) {
      EmbedResponse response = service.embed(embed(broken, noise(1)));
      Refusal.of(response.getResults(0).getError().getStatus())
          .mustBe(
              Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "items[0].content.image.content");
      assertThat(response.getResults(1).hasEmbedding()).isTrue();
    }
  }

  @Test
  void whatIsSeenOfAnImageIsPartOfItsContent() throws Exception {
    Image cat = image(Path.of("examples/cat.jpg")).getContent().getImage();
    Image half =
        cat.toBuilder().setRegion(NormalizedBox.newBuilder().setXMax(0.5f).setYMax(1)).build();
    Item upright = image(Path.of("examples/photo-cat-exif-orientation-6.jpg"));
    Image.Builder asStored = upright.getContent().getImage().toBuilder();
    asStored.getOptionsBuilder().setOrientation(dev.fovea.v1.Orientation.ORIENTATION_IGNORE);

    service.embed(embed(image(cat), upright));

    assertThat(hits(service.embed(embed(image(half), image(asStored.build())))))
        .containsExactly(false, false);
    assertThat(hits(service.embed(embed(image(half), upright)))).containsExactly(true, true);
  }

  @Test
  void handleAndBytesAreTheSameContent() throws Exception {
    byte[] cat = Files.readAllBytes(Path.of("examples/cat.jpg"));
    String handle = Uploads.upload(gateway.channel(), cat);
    service.embed(embed(image(cat)));

    assertThat(hits(service.embed(embed(image(Image.newBuilder().setHandle(handle).build())))))
        .containsExactly(true);
  }

  @Test
  void noCallerFindsWhatWasMadeForAnother() {
    EmbeddingServiceGrpc.newBlockingStub(gateway.channelOf("anna")).embed(embed(noise(1)));

    assertThat(
            hits(
                EmbeddingServiceGrpc.newBlockingStub(gateway.channelOf("ben"))
                    .embed(embed(noise(1)))))
        .containsExactly(false);
    assertThat(
            hits(
                EmbeddingServiceGrpc.newBlockingStub(gateway.channelOf("anna"))
                    .embed(embed(noise(1)))))
        .containsExactly(true);
  }

  @Test
  void callersShareWhereTheOperatorSaysSo() {
    reopen(Map.of("fovea.cache.sharing", "server"));
    EmbeddingServiceGrpc.newBlockingStub(gateway.channelOf("anna")).embed(embed(noise(1)));

    assertThat(
            hits(
                EmbeddingServiceGrpc.newBlockingStub(gateway.channelOf("ben"))
                    .embed(embed(noise(1)))))
        .containsExactly(true);
  }

  @Test
  void withoutRoomNothingIsKept() {
    reopen(Map.of("fovea.cache.max-bytes", "0"));
    service.embed(embed(noise(1), noise(1)));

    assertThat(hits(service.embed(embed(noise(1))))).containsExactly(false);
    assertThat(executions()).isGreaterThanOrEqualTo(2);
  }

  @Test
  void itemOfAKindThatTheFamilyCannotEmbedHarmsNoNeighbour() {
    EmbedResponse response = service.embed(embed(Item.getDefaultInstance(), noise(1), noise(1)));

    assertThat(response.getResults(0).hasError()).isTrue();
    assertThat(response.getResults(2).getEmbedding().getCacheHit()).isTrue();
  }

  private static List<Boolean> hits(EmbedResponse response) {
    return response.getResultsList().stream()
        .map(result -> result.getEmbedding().getCacheHit())
        .toList();
  }

  private void awaitJoins(int joins) {
    Await.until(
        joins + " calls to wait", A_WHILE, () -> gateway.metric("fovea.cache.joins") >= joins);
  }

  private static ListenableFuture<EmbedResponse> call(Channel channel, EmbedRequest request) {
    return EmbeddingServiceGrpc.newFutureStub(channel)
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .embed(request);
  }

  private static void get(ListenableFuture<EmbedResponse> call) throws Throwable {
    try {
      call.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause();
    }
  }
}
