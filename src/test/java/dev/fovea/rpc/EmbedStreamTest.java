package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.failure.Reason;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeClock;
import dev.fovea.v1.DrainReason;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.StreamEmbedFinish;
import dev.fovea.v1.StreamEmbedReady;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedResponse;
import dev.fovea.v1.StreamEmbedResult;
import dev.fovea.v1.StreamEmbedSetup;
import dev.fovea.v1.StreamEmbedSummary;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `EmbeddingService.StreamEmbed` over a real channel.
@Timeout(120)
final class EmbedStreamTest {
  private static final Duration A_WHILE = Duration.ofSeconds(30);

  private final GateScript script = new GateScript();
  private TestGateway gateway;

  @AfterEach
  void stop() {
    script.letAnswersGo();
    script.letThrough();
    gateway.close();
  }

  private void startShipped() {
    gateway = TestGateway.start();
  }

  private void startScripted(String... settings) {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      given.put(settings[i], settings[i + 1]);
    }
    gateway = TestGateway.start(given, clock -> new ScriptedEngine(script, clock, 256));
  }

  // --- What it answers ---

  @Test
  void answersEachItemInOrderAsEmbedDoesAndSumsUp() throws Exception {
    startShipped();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      items.add((i % 4 == 3 ? text("picture " + i) : noise(i)).toBuilder().setId("i" + i).build());
    }

    Thread writer = client.writeAll(items);
    StreamEmbedReady ready = client.ready();
    List<StreamEmbedResult> results = client.results(items.size());
    StreamEmbedSummary summary = client.summary();
    writer.join();

    assertThat(ready.getModelsList())
        .extracting(ModelRef::getModel)
        .containsExactly("pico_vision", "pico_text");
    assertThat(ready.getMaxInFlight()).isEqualTo(32);
    assertThat(ready.getRequestId()).hasSize(16);
    EmbedResponse alike =
        EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
            .embed(embed(items.toArray(new Item[0])));
    for (int i = 0; i < items.size(); i++) {
      StreamEmbedResult result = results.get(i);
      assertThat(result.getSequence()).isEqualTo(i + 1);
      assertThat(result.getSettledThrough()).isEqualTo(i + 1);
      assertThat(result.getId()).isEqualTo("i" + i);
      List<Float> expected =
          alike.getResults(i).getEmbedding().getVector().getFloats().getValuesList();
      for (int k = 0; k < expected.size(); k++) {
        assertThat(result.getEmbedding().getVector().getFloats().getValues(k))
            .isCloseTo(expected.get(k), within(1e-5f));
      }
    }
    assertThat(summary.getReceived()).isEqualTo(40);
    assertThat(summary.getEmbedded()).isEqualTo(40);
    assertThat(summary.getRefused()).isZero();
    assertThat(summary.getSettledThrough()).isEqualTo(40);
    assertThat(summary.getFinished()).isTrue();
    assertThat(summary.getCallInfo().getUsage().getImages()).isEqualTo(30);
    assertThat(summary.getCallInfo().getUsage().getTexts()).isEqualTo(10);
    assertThat(gateway.metric("fovea.admission.items")).isZero();
  }

  @Test
  void brokenItemIsItsOwnResultAndTheStreamGoesOn() throws Exception {
    startShipped();
    Client client = open(StreamEmbedSetup.getDefaultInstance());

    client.write(image(new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, 2}));
    client.write(Item.getDefaultInstance());
    client.write(noise(1));
    client.close();

    client.ready();
    List<StreamEmbedResult> results = client.results(3);
    Refusal.of(results.get(0).getError().getStatus())
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "item.item.content.image.content");
    Refusal.of(results.get(1).getError().getStatus())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "item.item.content");
    assertThat(results.get(2).hasEmbedding()).isTrue();
    StreamEmbedSummary summary = client.summary();
    assertThat(summary.getRefused()).isEqualTo(2);
    assertThat(summary.getEmbedded()).isEqualTo(1);
    assertThat(summary.getFinished()).isTrue();
  }

  @Test
  void finishMeansTheSameAsClosing() throws Exception {
    startShipped();
    Client client = open(StreamEmbedSetup.getDefaultInstance());

    client.write(noise(1));
    client.call.write(
        StreamEmbedRequest.newBuilder().setFinish(StreamEmbedFinish.getDefaultInstance()).build());

    client.ready();
    client.results(1);
    assertThat(client.summary().getFinished()).isTrue();
  }

  @Test
  void resumesAfterWhatWasSettled() throws Exception {
    startShipped();
    Client client = open(StreamEmbedSetup.newBuilder().setResumeAfter(3).build());

    for (int i = 0; i < 5; i++) {
      client.write(noise(i));
    }
    client.close();

    client.ready();
    assertThat(client.results(2))
        .extracting(StreamEmbedResult::getSequence)
        .containsExactly(4L, 5L);
    StreamEmbedSummary summary = client.summary();
    assertThat(summary.getSkipped()).isEqualTo(3);
    assertThat(summary.getEmbedded()).isEqualTo(2);
    assertThat(summary.getCallInfo().getUsage().getImages()).isEqualTo(2);
  }

  // --- Order and windows ---

  @Test
  void orderedResultWaitsForThoseBeforeIt() throws Exception {
    startScripted();
    CountDownLatch first = script.holdAnswers();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));
    script.awaitExecution();
    script.letOthersAnswer();
    client.write(noise(2));
    script.awaitExecution();
    client.close();

    first.countDown();

    client.ready();
    assertThat(client.results(2))
        .extracting(StreamEmbedResult::getSequence)
        .containsExactly(1L, 2L);
    client.summary();
  }

  @Test
  void unorderedResultComesWhenItIsThereAndSettlesNothingBeforeIt() throws Exception {
    startScripted();
    CountDownLatch first = script.holdAnswers();
    Client client = open(StreamEmbedSetup.newBuilder().setOrdered(false).build());
    client.write(noise(1));
    script.awaitExecution();
    script.letOthersAnswer();
    client.write(noise(2));

    client.ready();
    StreamEmbedResult second = client.results(1).getFirst();
    assertThat(second.getSequence()).isEqualTo(2);
    assertThat(second.getSettledThrough()).isZero();
    first.countDown();
    StreamEmbedResult last = client.results(1).getFirst();
    assertThat(last.getSequence()).isEqualTo(1);
    assertThat(last.getSettledThrough()).isEqualTo(2);
    client.close();
    client.summary();
  }

  @Test
  void creditsNeverExceedTheWindow() throws Exception {
    startScripted();
    Client client = open(StreamEmbedSetup.newBuilder().setMaxInFlight(4).build());
    int items = 50;
    StreamEmbedReady ready = client.ready();
    long credits = ready.getCredits();
    int sent = 0;
    int answered = 0;

    // A client that keeps to its credits is never stuck, and never has more than a window with the
    // server.
    while (answered < items) {
      while (sent < items && credits > sent) {
        client.write(noise(sent++));
      }
      StreamEmbedResponse response = client.read();
      if (response.hasFlow()) {
        assertThat(response.getFlow().getCredits()).isPositive();
        credits += response.getFlow().getCredits();
      } else {
        answered++;
        assertThat(response.getResult().getSequence()).isEqualTo(answered);
      }
      assertThat(credits).isLessThanOrEqualTo(answered + 4);
    }
    client.close();
    assertThat(ready.getMaxInFlight()).isEqualTo(4);
    client.summary();
  }

  @Test
  void readsNoMoreThanAWindowWhateverIsSent() throws Exception {
    startScripted();
    CountDownLatch _ = script.holdAnswers();
    Client client = open(StreamEmbedSetup.newBuilder().setMaxInFlight(2).build());
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      items.add(noise(i));
    }
    Thread writer = client.writeAll(items);
    Await.until(
        "a window to be under way", A_WHILE, () -> gateway.metric("fovea.admission.items") == 2);
    script.letAnswersGo();

    client.ready();
    client.results(20);
    writer.join();
    assertThat(client.summary().getEmbedded()).isEqualTo(20);
  }

  @Test
  void clientThatDoesNotReadHoldsUpItsOwnStreamAlone() throws Exception {
    startScripted();
    int before = script.executions();
    int items = 600;
    ManagedChannel narrow =
        NettyChannelBuilder.forAddress("127.0.0.1", gateway.port())
            .usePlaintext()
            .flowControlWindow(65_535)
            .build();
    try {
      Client client = open(narrow, StreamEmbedSetup.newBuilder().setMaxInFlight(8).build());
      List<Item> all = new ArrayList<>();
      for (int i = 0; i < items; i++) {
        all.add(noise(i));
      }
      Thread writer = client.writeAll(all);
      awaitStandstill();

      // Two windows of transport, one of the stream: about 2 KB a result.
      assertThat(script.executions() - before).isBetween(8, items / 2);
      assertThat(
              EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                  .withDeadlineAfter(20, TimeUnit.SECONDS)
                  .embed(embed(noise(1)))
                  .getResults(0)
                  .hasEmbedding())
          .isTrue();

      client.ready();
      List<StreamEmbedResult> results = client.results(items);
      writer.join();
      for (int i = 0; i < items; i++) {
        assertThat(results.get(i).getSequence()).isEqualTo(i + 1);
      }
      client.summary();
    } finally {
      narrow.shutdownNow();
    }
  }

  /// Until nothing was executed for three hundred looks.
  private void awaitStandstill() {
    int[] last = {-1, 0};
    Await.until(
        "the stream to stand still",
        A_WHILE,
        () -> {
          int now = script.executions();
          last[1] = now == last[0] ? last[1] + 1 : 0;
          last[0] = now;
          return last[1] > 300;
        });
  }

  // --- Admission ---

  @Test
  void itemsWaitWhileTheServerIsFullAndIdleStreamsHoldNothing() throws Exception {
    startScripted(
        "fovea.admission.least-items", "1",
        "fovea.admission.start-items", "1",
        "fovea.admission.most-items", "1");
    CountDownLatch _ = script.holdAnswers();
    ListenableFuture<EmbedResponse> taken =
        EmbeddingServiceGrpc.newFutureStub(gateway.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .embed(embed(noise(9)));
    script.awaitExecution();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));
    client.write(noise(2));
    client.ready();

    script.letAnswersGo();

    assertThat(taken.get().getResults(0).hasEmbedding()).isTrue();
    assertThat(client.results(2)).allMatch(StreamEmbedResult::hasEmbedding);
    assertThat(gateway.metric("fovea.admission.items")).isZero();
    assertThat(gateway.metric("fovea.streams")).isEqualTo(1);
    client.close();
    client.summary();
  }

  // --- How it ends ---

  @Test
  void serverThatEndsTellsTheStreamAndAnswersWhatItHasBegun() throws Exception {
    startScripted("fovea.drain.grace", "30s");
    CountDownLatch held = script.holdAnswers();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));
    client.ready();
    script.awaitExecution();

    Thread draining = Thread.startVirtualThread(gateway::drain);

    assertThat(client.read().getDraining().getReason()).isEqualTo(DrainReason.DRAIN_REASON_SERVER);
    held.countDown();
    assertThat(client.results(1).getFirst().hasEmbedding()).isTrue();
    StreamEmbedSummary summary = client.summary();
    assertThat(summary.getFinished()).isFalse();
    assertThat(summary.getSettledThrough()).isEqualTo(1);
    draining.join();
  }

  @Test
  void streamWhoseTimeIsNearlyOverDrains() throws Exception {
    FakeClock clock = new FakeClock();
    gateway = TestGateway.start(Map.of("fovea.call.max-deadline", "100s"), clock);
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));
    client.ready();
    client.results(1);

    // The client's own deadline is 90 s, of which the last tenth is for ending in order.
    clock.advance(Duration.ofSeconds(85));
    client.write(noise(2));

    List<StreamEmbedResponse> rest = new ArrayList<>();
    while (rest.isEmpty() || !rest.getLast().hasSummary()) {
      rest.add(client.read());
    }
    assertThat(rest).anyMatch(r -> r.getDraining().getReason() == DrainReason.DRAIN_REASON_TIME);
    StreamEmbedSummary summary = rest.getLast().getSummary();
    assertThat(summary.getFinished()).isFalse();
    assertThat(summary.getSettledThrough()).isEqualTo(1);
    // The second may still be on its way when the server sees how late it is.
    assertThat(summary.getReceived()).isBetween(1L, 2L);
  }

  @Test
  void clientThatLeavesFreesAllThatItHeld() throws Exception {
    startScripted();
    script.holdUp();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    for (int i = 0; i < 10; i++) {
      client.write(noise(i));
    }
    script.awaitExecution();

    client.call.cancel("enough", null);

    Await.until(
        "its permits to be free", A_WHILE, () -> gateway.metric("fovea.admission.items") == 0);
    Await.until("it to be gone", A_WHILE, () -> gateway.metric("fovea.streams") == 0);
    script.letThrough();
    assertThat(
            EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
                .withDeadlineAfter(20, TimeUnit.SECONDS)
                .embed(embed(noise(1)))
                .getResults(0)
                .hasEmbedding())
        .isTrue();
  }

  @Test
  void engineThatBreaksEndsTheStreamWithItsStatus() throws Exception {
    startScripted();
    Client client = open(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));
    client.ready();
    client.results(1);
    script.breakDown();

    client.write(noise(2));

    Refusal.of(() -> client.results(1)).mustBe(Code.INTERNAL, Reason.BACKEND_ERROR);
    assertThat(gateway.metric("fovea.admission.items")).isZero();
  }

  @Test
  void deadlineOfTheClientEndsIt() throws Exception {
    startScripted();
    script.holdUp();
    Client client =
        new Client(
            EmbeddingServiceGrpc.newBlockingV2Stub(gateway.channel())
                .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                .streamEmbed());
    client.setUp(StreamEmbedSetup.getDefaultInstance());
    client.write(noise(1));

    assertThat(Refusal.of(() -> client.untilSummary()).code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    Await.until(
        "its permits to be free", A_WHILE, () -> gateway.metric("fovea.admission.items") == 0);
  }

  // --- What it refuses ---

  @Test
  void sequenceThatDoesNotGrowEndsTheStream() throws Exception {
    startScripted();
    for (long wrong : new long[] {7, 6, 0, -1}) {
      Client client = open(StreamEmbedSetup.getDefaultInstance());
      client.write(7, noise(1));
      client.write(wrong, noise(2));

      Refusal.of(() -> client.untilSummary())
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "item.sequence");
    }
  }

  @Test
  void streamThatBeginsWithoutASetupIsRefused() throws Exception {
    startScripted();
    Client item = new Client(call(gateway.channel()));
    item.write(noise(1));
    Client nothing = new Client(call(gateway.channel()));
    nothing.close();

    for (Client client : List.of(item, nothing)) {
      Refusal.of(() -> client.read()).mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    }
  }

  @Test
  void setupThatMakesNoSenseIsRefusedByField() throws Exception {
    startScripted();
    Client small = open(StreamEmbedSetup.newBuilder().setMaxInFlight(0).build());
    Client cut = open(StreamEmbedSetup.newBuilder().setOutputDimension(7).build());
    Client late = open(StreamEmbedSetup.newBuilder().setResumeAfter(-1).build());
    StreamEmbedSetup.Builder setup = StreamEmbedSetup.newBuilder();
    setup.getModelBuilder().setModel("nobody");
    Client unknown = open(setup.build());
    Client twice = open(StreamEmbedSetup.getDefaultInstance());
    twice.setUp(StreamEmbedSetup.getDefaultInstance());

    Refusal.of(() -> small.read())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "setup.max_in_flight");
    Refusal.of(() -> cut.read())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "setup.output_dimension");
    Refusal.of(() -> late.read())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "setup.resume_after");
    Refusal.of(() -> unknown.read())
        .mustBe(Code.NOT_FOUND, Reason.MODEL_NOT_FOUND, "setup.model.model");
    Refusal.of(() -> twice.untilSummary())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
  }

  // --- A client ---

  private Client open(StreamEmbedSetup setup) throws Exception {
    return open(gateway.channel(), setup);
  }

  private static Client open(Channel channel, StreamEmbedSetup setup) throws Exception {
    Client client = new Client(call(channel));
    client.setUp(setup);
    return client;
  }

  private static BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> call(Channel channel) {
    return EmbeddingServiceGrpc.newBlockingV2Stub(channel)
        .withDeadlineAfter(90, TimeUnit.SECONDS)
        .streamEmbed();
  }

  private static final class Client {
    private final BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> call;
    private long sequence;

    Client(BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> call) {
      this.call = call;
    }

    void setUp(StreamEmbedSetup setup) throws Exception {
      boolean _ = call.write(StreamEmbedRequest.newBuilder().setSetup(setup).build());
    }

    void write(Item item) throws Exception {
      write(++sequence, item);
    }

    void write(long sequence, Item item) throws Exception {
      StreamEmbedRequest.Builder request = StreamEmbedRequest.newBuilder();
      request.getItemBuilder().setSequence(sequence).setItem(item);
      boolean _ = call.write(request.build());
    }

    void close() {
      call.halfClose();
    }

    /// Sends all and closes, on a thread of its own.
    Thread writeAll(List<Item> items) {
      return Thread.startVirtualThread(() -> {
        try {
          for (Item item : items) {
            write(item);
          }
          close();
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      });
    }

    StreamEmbedResponse read() throws InterruptedException {
      try {
        StreamEmbedResponse response = call.read();
        if (response == null) {
          throw new AssertionError("the stream has ended");
        }
        return response;
      } catch (StatusException e) {
        throw e.getStatus().asRuntimeException(e.getTrailers());
      }
    }

    StreamEmbedReady ready() throws InterruptedException {
      StreamEmbedResponse first = read();
      assertThat(first.hasReady()).as("ready first, not %s", first).isTrue();
      return first.getReady();
    }

    /// So many results; credits between them are read over.
    List<StreamEmbedResult> results(int count) throws InterruptedException {
      List<StreamEmbedResult> results = new ArrayList<>();
      while (results.size() < count) {
        StreamEmbedResponse response = read();
        if (!response.hasFlow()) {
          assertThat(response.hasResult()).as("a result, not %s", response).isTrue();
          results.add(response.getResult());
        }
      }
      return results;
    }

    /// The last message, after which nothing comes.
    StreamEmbedSummary summary() throws Exception {
      StreamEmbedSummary summary = untilSummary();
      assertThat(call.read()).isNull();
      return summary;
    }

    StreamEmbedSummary untilSummary() throws InterruptedException {
      while (true) {
        StreamEmbedResponse response = read();
        if (response.hasSummary()) {
          return response.getSummary();
        }
      }
    }
  }
}
