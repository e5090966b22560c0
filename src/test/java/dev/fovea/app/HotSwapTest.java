package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.fovea.engine.Lease;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.Await;
import dev.fovea.fake.ChangingRepository;
import dev.fovea.fake.UnitVectors;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.rpc.Requests;
import dev.fovea.tensor.Tensor;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A repository that changes under a server: over a real channel, with an engine whose vectors tell
/// the version that made them.
@Timeout(180)
final class HotSwapTest {
  private static final int SWAPS = 100;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path folder;
  private final VersionScript script = new VersionScript();
  private ChangingRepository repository;
  private TestGateway gateway;

  @BeforeEach
  void start() throws IOException {
    repository = new ChangingRepository(folder, TestGateway.ENCODERS);
    publish(1);
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.repository",
                repository.root().toString(),
                "fovea.repository-poll-interval",
                "20ms"),
            clock -> new ScriptedEngine(script, clock, 256));
  }

  @AfterEach
  void stop() {
    script.letAllGo();
    gateway.close();
  }

  @Test
  void newVersionsAreServedUnderLoadAndNoCallFails() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Future<Set<String>>> callers = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 3; i++) {
        callers.add(
            threads.submit(() -> {
              Set<String> versions = new TreeSet<>();
              while (!over.get()) {
                versions.add(oneVersion(embed()));
              }
              return versions;
            }));
      }
      try {
        for (int version = 2; version <= 1 + SWAPS; version++) {
          publish(version);
          awaitSwaps(version - 1);
        }
      } finally {
        over.set(true);
      }
    }

    Set<String> all = new TreeSet<>();
    for (Future<Set<String>> caller : callers) {
      all.addAll(caller.get());
    }
    assertThat(all.size()).isGreaterThan(2);
    assertThat(oneVersion(embed())).isEqualTo(String.valueOf(1 + SWAPS));
    awaitMetric("fovea.models.retiring", 0);
  }

  @Test
  void oldVersionLivesUntilItsLastCallHasEnded() throws Exception {
    Lease old = gateway.catalog().served().get("pico").lease(Role.VISION);
    script.hold("1");
    ListenableFuture<EmbedResponse> underWay =
        EmbeddingServiceGrpc.newFutureStub(gateway.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .embed(request());
    script.awaitHeld();

    publish(2);
    awaitSwaps(1);

    assertThat(oneVersion(embed())).isEqualTo("2");
    assertThat(gateway.metric("fovea.models.retiring")).isEqualTo(1);
    assertThat(old.ready()).isTrue();
    script.letAllGo();
    assertThat(oneVersion(underWay.get())).isEqualTo("1");
    awaitMetric("fovea.models.retiring", 0);
    Await.until("the old version is released", PATIENCE, () -> !old.ready());
    assertThat(oneVersion(embed())).isEqualTo("2");
  }

  @Test
  void faultySetLeavesTheOldOneInItsPlaceAndTellsWhy() throws Exception {
    Path set = repository.prepare(2);
    Files.writeString(set.resolve("pico_text/config.pbtxt"), "max_batch_size: \"many\"");
    repository.publish(set);

    Await.until("the fault is told", PATIENCE, () -> !family().getStateReason().isEmpty());

    assertThat(family().getState()).isEqualTo(ModelState.MODEL_STATE_READY);
    assertThat(family().getStateReason())
        .startsWith("newer files are not served: pico_text/config.pbtxt")
        .doesNotContain("many");
    assertThat(oneVersion(embed())).isEqualTo("1");

    publish(3);
    awaitSwaps(1);
    assertThat(family().getStateReason()).isEmpty();
    assertThat(oneVersion(embed())).isEqualTo("3");
  }

  @Test
  void setThatDoesNotAnswerWhenTriedIsNeverServed() throws Exception {
    script.breaks("2");
    publish(2);

    Await.until("the fault is told", PATIENCE, () -> !family().getStateReason().isEmpty());

    assertThat(oneVersion(embed())).isEqualTo("1");
    assertThat(gateway.metric("fovea.models.swaps")).isZero();
  }

  @Test
  void repositoryThatVanishesLeavesWhatIsServed() throws Exception {
    Path nothing = Files.createDirectories(folder.resolve("nothing"));
    repository.publish(nothing);
    publish(2);

    awaitSwaps(1);
    assertThat(oneVersion(embed())).isEqualTo("2");
  }

  private void publish(int version) throws IOException {
    repository.publish(repository.prepare(version));
  }

  private static EmbedRequest request() {
    return Requests.embed(Requests.noise(1), Requests.text("a cat"));
  }

  private EmbedResponse embed() {
    return EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .embed(request());
  }

  /// The version that every vector of the answer is of, and every model that it names.
  private static String oneVersion(EmbedResponse response) {
    Set<String> versions = new TreeSet<>();
    for (ModelRef model : response.getCallInfo().getModelsList()) {
      versions.add(model.getVersion());
    }
    response
        .getResultsList()
        .forEach(result ->
            versions.add(
                String.valueOf(
                    result.getEmbedding().getVector().getFloats().getValuesList().indexOf(1.0f))));
    assertThat(response.getCallInfo().getModelsCount()).isEqualTo(2);
    assertThat(response.getResultsCount()).isEqualTo(2);
    assertThat(versions).hasSize(1);
    return versions.iterator().next();
  }

  private ModelFamily family() {
    return ModelServiceGrpc.newBlockingStub(gateway.channel())
        .getModel(GetModelRequest.newBuilder().setModel("pico").build())
        .getFamily();
  }

  private void awaitSwaps(int swaps) {
    awaitMetric("fovea.models.swaps", swaps);
  }

  private void awaitMetric(String name, int value) {
    Await.until(name + " = " + value, PATIENCE, () -> gateway.metric(name) == value);
  }

  /// Vectors that are 1 at the place of the version, executions that can be held up or broken by
  /// version.
  private static final class VersionScript extends UnitVectors {
    private final Map<String, CountDownLatch> held = new ConcurrentHashMap<>();
    private final Set<String> broken = ConcurrentHashMap.newKeySet();
    private final CountDownLatch holding = new CountDownLatch(1);

    @Override
    public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
      CountDownLatch latch = held.get(model.version());
      if (latch != null) {
        holding.countDown();
        try {
          latch.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
      if (broken.contains(model.version())) {
        throw new IllegalStateException("broken");
      }
      return vector(model, Integer.parseInt(model.version()));
    }

    void hold(String version) {
      held.put(version, new CountDownLatch(1));
    }

    void awaitHeld() throws InterruptedException {
      holding.await();
    }

    void breaks(String version) {
      broken.add(version);
    }

    void letAllGo() {
      held.values().forEach(CountDownLatch::countDown);
      held.clear();
    }
  }
}
