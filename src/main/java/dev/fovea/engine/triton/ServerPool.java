package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import dev.fovea.model.ServableModel;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// The servers there are, and which of them gets the next call.
final class ServerPool implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ServerPool.class.getName());
  private static final Duration LOOK_UP_INTERVAL = Duration.ofSeconds(5);

  private final TritonSettings settings;
  private final Clock clock;
  private final Collection<ServableModel> models;
  private final ServerAddress.Names names;
  private final Map<ServerAddress, ServerWatch> watches = new ConcurrentHashMap<>();
  private final AtomicInteger turn = new AtomicInteger();

  /// Guards the looks of those who wait for a change: every look of a watch wakes them.
  private final Object changes = new Object();

  private boolean closed;

  /// @param models what the servers are looked at for
  /// @param names where the addresses of names are looked up
  /// @param timer where they are looked up again
  ServerPool(
      TritonSettings settings,
      Clock clock,
      Collection<ServableModel> models,
      ServerAddress.Names names,
      ScheduledExecutorService timer) {
    this.settings = settings;
    this.clock = clock;
    this.models = models;
    this.names = names;
    lookUp();
    if (settings.servers().stream().anyMatch(ServerAddress::changes)) {
      long millis = LOOK_UP_INTERVAL.toMillis();
      var _ = timer.scheduleWithFixedDelay(this::lookUp, millis, millis, TimeUnit.MILLISECONDS);
    }
  }

  /// Takes up the servers that the settings name now and lets go of those that they do not. A name
  /// that has no address at this moment keeps the servers that it had.
  synchronized void lookUp() {
    if (closed) {
      return;
    }
    Set<ServerAddress> named = new LinkedHashSet<>();
    for (String setting : settings.servers()) {
      List<ServerAddress> servers = ServerAddress.of(setting, names);
      if (servers.isEmpty()) {
        return;
      }
      named.addAll(servers);
    }
    for (ServerAddress address : named) {
      watches.computeIfAbsent(address, this::watch);
    }
    for (ServerAddress address : watches.keySet()) {
      if (!named.contains(address)) {
        LOG.log(Level.INFO, "Triton at {0} is no longer named", address);
        ServerWatch gone = watches.remove(address);
        if (gone != null) {
          gone.close();
        }
      }
    }
  }

  private ServerWatch watch(ServerAddress address) {
    ServerWatch watch =
        new ServerWatch(
            new TritonServer(address, settings, clock), settings, models, this::tellOfChange);
    watch.start();
    return watch;
  }

  /// A server that runs the model and whose breaker has let this call through: of those the one
  /// with the fewest under way. Who asks must call it.
  ///
  /// @param model the model
  /// @param tried servers that failed this call before
  /// @param again whether one of them may be called again, where there is no other
  Optional<TritonServer> admit(ServableModel model, Set<TritonServer> tried, boolean again) {
    List<TritonServer> able =
        watches.values().stream()
            .map(ServerWatch::server)
            .filter(server -> server.runs(model))
            .toList();
    Optional<TritonServer> fresh =
        leastLoaded(able.stream().filter(server -> !tried.contains(server)).toList());
    return fresh.isPresent() || !again
        ? fresh
        : leastLoaded(able.stream().filter(tried::contains).toList());
  }

  /// A breaker that lets one call through may have been passed by another call meanwhile: then the
  /// next best is asked.
  private Optional<TritonServer> leastLoaded(List<TritonServer> able) {
    // Servers that are equally loaded take turns.
    int start = turn.getAndIncrement() & Integer.MAX_VALUE;
    while (true) {
      TritonServer best = null;
      for (int i = 0; i < able.size(); i++) {
        TritonServer server = able.get((start + i) % able.size());
        boolean lighter = best == null || server.calls() < best.calls();
        if (lighter && server.breaker().wouldAdmit()) {
          best = server;
        }
      }
      if (best == null || best.breaker().admits()) {
        return Optional.ofNullable(best);
      }
    }
  }

  /// Every server at this moment.
  List<TritonServer> servers() {
    return watches.values().stream().map(ServerWatch::server).toList();
  }

  /// Has a server looked at now.
  void nudge(TritonServer server) {
    ServerWatch watch = watches.get(server.address());
    if (watch != null) {
      watch.nudge();
    }
  }

  void nudgeAll() {
    watches.values().forEach(ServerWatch::nudge);
  }

  private void tellOfChange() {
    synchronized (changes) {
      changes.notifyAll();
    }
  }

  /// Waits until a server runs the model, or every one has something else to say than that it
  /// cannot be reached, for at most so long.
  void await(ServableModel model, Duration atMost) {
    long end = clock.nanoTime() + atMost.toNanos();
    try {
      synchronized (changes) {
        for (long left = atMost.toNanos();
            left > 0 && !isSettled(model);
            left = end - clock.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(changes, left);
        }
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isSettled(ServableModel model) {
    List<TritonServer> servers = servers();
    return servers.stream().anyMatch(server -> server.runs(model))
        || (!servers.isEmpty()
            && servers.stream()
                .allMatch(server -> server.state(model) instanceof ModelState.Different));
  }

  @Override
  public synchronized void close() {
    closed = true;
    watches.values().forEach(ServerWatch::close);
    watches.clear();
  }
}
