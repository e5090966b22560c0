package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import dev.fovea.call.Clock;
import dev.fovea.model.ServableModel;
import inference.GRPCInferenceServiceGrpc;
import io.grpc.ManagedChannel;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/// One server: its connections, what it says of each model, and whether it deserves calls.
///
/// One connection is for looks at the server's state alone, so that they tell the truth while large
/// requests are under way on the others.
final class TritonServer implements AutoCloseable {
  /// A server closes connections that ping more often than every five minutes while it has nothing
  /// to say. Whether it is there is found out by asking it, not by pings.
  private static final long KEEP_ALIVE_SECONDS = 310;

  private static final long NEVER_IDLE_HOURS = 24;

  private final ServerAddress address;
  private final TritonSettings settings;
  private final Clock clock;
  private final Map<String, ModelState> states = new ConcurrentHashMap<>();
  private final Breaker breaker;
  private final CancelBudget cancels;
  private final SharedMemory memory;
  private volatile Connections connections;
  private volatile Dialect dialect = Dialect.CORE;

  private record Connections(ManagedChannel control, List<Connection> data) {}

  TritonServer(ServerAddress address, TritonSettings settings, Clock clock) {
    this.address = address;
    this.settings = settings;
    this.clock = clock;
    this.breaker = new Breaker(clock);
    this.cancels = new CancelBudget(clock);
    this.memory = new SharedMemory(settings.sharing(), clock, address.toString());
    this.connections = connect();
  }

  private Connections connect() {
    List<Connection> data = new ArrayList<>();
    for (int i = 0; i < settings.connections(); i++) {
      EventLoop loop = EventLoops.shared().loop(i);
      data.add(new Connection(channel(loop), loop));
    }
    return new Connections(channel(EventLoops.shared().loop(0)), data);
  }

  private ManagedChannel channel(EventLoop loop) {
    return settings
        .security()
        .apply(EventLoops.shared().connect(address.channelBuilder(), loop))
        // What may be sent again is decided here, by what the failure means.
        .disableRetry()
        .directExecutor()
        .maxInboundMessageSize(settings.maxAnswerBytes())
        .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
        .idleTimeout(NEVER_IDLE_HOURS, TimeUnit.HOURS)
        .build();
  }

  ServerAddress address() {
    return address;
  }

  Clock clock() {
    return clock;
  }

  ManagedChannel control() {
    return connections.control();
  }

  /// The connection of the loop that this thread is, so that no other has to be woken. For another
  /// thread, the connection with the fewest calls under way.
  Connection connection() {
    Connection best = null;
    for (Connection connection : connections.data()) {
      if (connection.loop().inEventLoop()) {
        return connection;
      }
      if (best == null || connection.calls().get() < best.calls().get()) {
        best = connection;
      }
    }
    return requireNonNull(best);
  }

  /// Calls under way.
  int calls() {
    return connections.data().stream().mapToInt(connection -> connection.calls().get()).sum();
  }

  /// The server is there again: connections that wait before they try again do not wait any longer.
  void hasReturned() {
    for (Connection connection : connections.data()) {
      connection.channel().resetConnectBackoff();
      connection.channel().getState(true);
    }
  }

  /// Leaves the connections, which nothing comes out of any more, to the calls on them and takes
  /// new ones.
  void reconnect() {
    Connections left = connections;
    connections = connect();
    left.control().shutdownNow();
    left.data().forEach(connection -> connection.channel().shutdown());
  }

  void set(ServableModel model, ModelState state) {
    states.put(model.name(), state);
  }

  ModelState state(ServableModel model) {
    return states.getOrDefault(model.name(), new ModelState.Unready("not looked at yet"));
  }

  boolean runs(ServableModel model) {
    return state(model) instanceof ModelState.Ready;
  }

  Breaker breaker() {
    return breaker;
  }

  CancelBudget cancels() {
    return cancels;
  }

  SharedMemory memory() {
    return memory;
  }

  Dialect dialect() {
    return dialect;
  }

  void speaks(Dialect spoken) {
    dialect = spoken;
  }

  /// Ends the calls under way.
  @Override
  public void close() {
    memory.close(
        GRPCInferenceServiceGrpc.newBlockingStub(connections.control())
            .withDeadlineAfter(settings.probeTimeout().toNanos(), TimeUnit.NANOSECONDS));
    connections.control().shutdownNow();
    connections.data().forEach(connection -> connection.channel().shutdownNow());
  }

  @Override
  public String toString() {
    return address.toString();
  }
}
