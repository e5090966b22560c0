package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.row;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.scripted.Script;
import dev.fovea.failure.GatewayException;
import dev.fovea.fake.Await;
import dev.fovea.fake.FakeClock;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.FaultyWire;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Tensor;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/// Several servers: those that a name stands for, and one of three that is slow, silent or gone.
@Timeout(120)
final class ServersTest {
  private static final Clock CLOCK = Clock.system();
  private static final Duration LONG = Duration.ofSeconds(20);

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final StageTimings timings = new StageTimings(CLOCK, StageListener.none());
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    callers.shutdownNow();
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private <T extends AutoCloseable> T open(T resource) {
    opened.add(resource);
    return resource;
  }

  private static TritonSettings settings(List<String> servers) {
    return new TritonSettings(
        servers,
        1,
        64,
        64 << 20,
        Duration.ofMillis(50),
        Duration.ofMillis(500),
        Duration.ofSeconds(10));
  }

  /// Linux alone answers at every address of the loopback network.
  @Test
  @EnabledOnOs(OS.LINUX)
  void serversOfANameComeAndGoWithItsAddresses() throws Exception {
    FakeTriton first = open(FakeTriton.start(new ContractScript(), ContractModel.servable()));
    FakeTriton second = open(at("127.0.0.2", first.port()));
    HandWritten names = new HandWritten("127.0.0.1");
    TritonEngine engine =
        open(
            new TritonEngine(
                settings(List.of("dns:///triton.test:" + first.port())), CLOCK, names));
    Lease lease = open(engine.open(ContractModel.servable()));
    calls(lease, 10);
    assertThat(first.requests()).isEqualTo(10);
    assertThat(second.requests()).isZero();

    names.addresses = List.of("127.0.0.1", "127.0.0.2");
    engine.pool().lookUp();
    awaitServers(engine, 2);
    calls(lease, 10);
    assertThat(first.requests()).isEqualTo(15);
    assertThat(second.requests()).isEqualTo(5);

    names.addresses = List.of("127.0.0.2");
    engine.pool().lookUp();
    assertThat(engine.pool().servers()).hasSize(1);
    calls(lease, 10);
    assertThat(second.requests()).isEqualTo(15);

    names.addresses = List.of();
    engine.pool().lookUp();
    calls(lease, 10);
    assertThat(second.requests()).isEqualTo(25);
    assertThat(first.requests()).isEqualTo(15);
  }

  private static FakeTriton at(String host, int port) {
    return FakeTriton.startAt(
        new InetSocketAddress(host, port), new ContractScript(), ContractModel.servable());
  }

  /// Names that have the addresses that the test says.
  private static final class HandWritten implements ServerAddress.Names {
    private volatile List<String> addresses;

    HandWritten(String... addresses) {
      this.addresses = List.of(addresses);
    }

    @Override
    public List<InetAddress> addresses(String host) throws UnknownHostException {
      List<InetAddress> found = new ArrayList<>();
      for (String address : addresses) {
        found.add(InetAddress.getByAddress(host, InetAddress.getByName(address).getAddress()));
      }
      if (found.isEmpty()) {
        throw new UnknownHostException(host);
      }
      return found;
    }
  }

  private void awaitServers(TritonEngine engine, long count) {
    Await.until(
        count + " servers run it",
        LONG,
        () -> engine.serversThatRun(ContractModel.servable()) == count);
  }

  private void calls(Lease lease, int count) throws InterruptedException {
    for (int i = 0; i < count; i++) {
      assertThat(infer(lease, LONG)).containsExactly(3);
    }
  }

  /// The one call that a breaker lets through was taken twice, by the choice of the server and by
  /// the call itself, and never given back: the server was out for ever.
  @Test
  void onlyServerServesAgainAfterItsBreakerHasOpened() throws Exception {
    FakeTriton fake = open(FakeTriton.start(new ContractScript(), ContractModel.servable()));
    TritonEngine engine =
        open(new TritonEngine(settings(List.of(fake.address())), CLOCK, new HandWritten()));
    Lease lease = open(engine.open(ContractModel.servable()));
    calls(lease, 1);
    Breaker breaker = engine.pool().servers().getFirst().breaker();

    fake.refuse(_ -> Optional.of(Status.UNAVAILABLE.withDescription("io exception")));
    Await.until("the breaker is open", LONG, () -> !answers(lease) && !breaker.wouldAdmit());
    fake.refuse(_ -> Optional.empty());

    Await.until("it serves again", LONG, () -> answers(lease));
    calls(lease, 10);
  }

  /// Choosing a server and passing its breaker were two steps: when another call had passed it in
  /// between, this one was refused beside a server that was idle.
  @Test
  void callThatIsSecondAtBreakerThatLetsOneThroughGoesToTheOtherServer() throws Exception {
    FakeTriton first = open(FakeTriton.start(new ContractScript(), ContractModel.servable()));
    FakeTriton second = open(FakeTriton.start(new ContractScript(), ContractModel.servable()));
    InterruptedClock clock = new InterruptedClock();
    TritonEngine engine =
        open(
            new TritonEngine(
                settings(List.of(first.address(), second.address())), clock, new HandWritten()));
    open(engine.open(ContractModel.servable()));
    awaitServers(engine, 2);
    TritonServer recovering = engine.pool().servers().getFirst();
    TritonServer idle = engine.pool().servers().getLast();
    for (int failure = 0; failure < Breaker.THRESHOLD; failure++) {
      recovering.breaker().failed();
    }
    clock.time.advance(Breaker.PAUSE);
    AtomicBoolean passed = new AtomicBoolean();
    // Whoever asks the breaker reads the clock: at that moment the other call comes.
    clock.meanwhile.set(() -> passed.set(recovering.breaker().admits()));

    // They take turns, so one of the two calls finds the recovering one first.
    for (int call = 0; call < 2; call++) {
      assertThat(engine.pool().admit(ContractModel.servable(), Set.of(), true)).contains(idle);
    }
    assertThat(passed).isTrue();
  }

  /// Something else happens once, when the time is read next.
  private static final class InterruptedClock implements Clock {
    private final FakeClock time = new FakeClock();
    private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

    @Override
    public long nanoTime() {
      meanwhile.getAndSet(() -> {}).run();
      return time.nanoTime();
    }

    @Override
    public Instant now() {
      return time.now();
    }
  }

  private boolean answers(Lease lease) {
    try {
      calls(lease, 1);
      return true;
    } catch (GatewayException _) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void slowServerOfThreeGetsTheFewCallsThatItCanTake() throws Exception {
    FakeTriton slow = open(FakeTriton.start(taking(50), ContractModel.servable()));
    FakeTriton quick = open(FakeTriton.start(taking(1), ContractModel.servable()));
    FakeTriton other = open(FakeTriton.start(taking(1), ContractModel.servable()));
    TritonEngine engine =
        open(
            new TritonEngine(
                settings(List.of(slow.address(), quick.address(), other.address())), CLOCK));
    Lease lease = open(engine.open(ContractModel.servable()));
    awaitServers(engine, 3);

    assertThat(load(lease, 6, 1200, LONG, () -> {})).isZero();

    assertThat(slow.requests()).isBetween(1, 1200 / 5);
    assertThat(quick.requests() + other.requests() + slow.requests()).isEqualTo(1200);
  }

  @Test
  void silentServerOfThreeCostsWhatItHadAndNoMore() throws Exception {
    List<FakeTriton> servers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      servers.add(open(FakeTriton.start(taking(1), ContractModel.servable())));
    }
    FaultyWire wire = open(FaultyWire.to(servers.getFirst().port()));
    TritonEngine engine =
        open(
            new TritonEngine(
                settings(
                    List.of(wire.address(), servers.get(1).address(), servers.get(2).address())),
                CLOCK));
    Lease lease = open(engine.open(ContractModel.servable()));
    awaitServers(engine, 3);

    int lost = load(lease, 6, 1200, Duration.ofSeconds(3), wire::silence);

    assertThat(lost).isLessThanOrEqualTo(6);
    wire.heal();
    awaitServers(engine, 3);
    assertThat(load(lease, 6, 300, LONG, () -> {})).isZero();
  }

  /// T17 of the reliability catalogue, but for the times.
  @Test
  void killedServerOfThreeCostsTheCallsThatRanThere() throws Exception {
    FakeTriton killed = FakeTriton.start(taking(1), ContractModel.servable());
    int port = killed.port();
    FakeTriton second = open(FakeTriton.start(taking(1), ContractModel.servable()));
    FakeTriton third = open(FakeTriton.start(taking(1), ContractModel.servable()));
    TritonEngine engine =
        open(
            new TritonEngine(
                settings(List.of(killed.address(), second.address(), third.address())), CLOCK));
    Lease lease = open(engine.open(ContractModel.servable()));
    awaitServers(engine, 3);

    int lost = load(lease, 4, 4000, LONG, killed::close);

    assertThat(lost).isLessThanOrEqualTo(4);
    open(FakeTriton.startOn(port, new ContractScript(), ContractModel.servable()));
    awaitServers(engine, 3);
  }

  private static Script taking(int millis) {
    return new Script() {
      private final Script contract = new ContractScript();

      @Override
      public Map<String, Tensor> answer(ServableModel model, Map<String, Tensor> row) {
        return contract.answer(model, row);
      }

      @Override
      public Duration delay(ServableModel model, List<Map<String, Tensor>> batch) {
        return Duration.ofMillis(millis);
      }
    };
  }

  /// Calls from so many callers, with something that happens after a quarter of them.
  ///
  /// @return how many were refused
  private int load(Lease lease, int width, int calls, Duration time, Runnable event)
      throws Exception {
    AtomicInteger left = new AtomicInteger(calls);
    AtomicInteger refused = new AtomicInteger();
    List<Future<?>> loops = new ArrayList<>();
    for (int i = 0; i < width; i++) {
      loops.add(
          callers.submit(() -> {
            for (int call = left.getAndDecrement(); call > 0; call = left.getAndDecrement()) {
              if (call == calls * 3 / 4) {
                event.run();
              }
              try {
                assertThat(infer(lease, time)).containsExactly(3);
              } catch (GatewayException _) {
                refused.incrementAndGet();
              }
            }
            return null;
          }));
    }
    for (Future<?> loop : loops) {
      loop.get();
    }
    return refused.get();
  }

  private float[] infer(Lease lease, Duration time) throws InterruptedException {
    return Rows.doubled(
        lease,
        new InferRequest(List.of(row(1)), Set.of("doubled"), Deadline.after(CLOCK, time), timings));
  }
}
