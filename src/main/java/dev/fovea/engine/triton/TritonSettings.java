package dev.fovea.engine.triton;

import java.time.Duration;
import java.util.List;

/// Which servers there are and how they are called.
///
/// @param servers `host:port`, one server each, or `dns:///host:port`, a server for every address
///   that the name stands for, looked up again from time to time
/// @param connections to each server: one is read and written by one thread
/// @param queueSize most batches of one model that may be on their way beyond those that run; more
///   are refused with `QUEUE_FULL`
/// @param maxAnswerBytes largest answer that is read
/// @param watchInterval time between two looks at whether a server and its models are ready
/// @param probeTimeout time that such a look may take
/// @param openWait how long the opening of a model waits for a server that has it
/// @param sharing memory that is shared with servers of this machine
/// @param security how servers are known, and what they are told
public record TritonSettings(
    List<String> servers,
    int connections,
    int queueSize,
    int maxAnswerBytes,
    Duration watchInterval,
    Duration probeTimeout,
    Duration openWait,
    Sharing sharing,
    Security security) {
  /// Memory that is shared with servers of this machine.
  ///
  /// @param bytes of the memory of each server; 0 shares none
  /// @param fromBytes size of a request's tensors from which they are put there
  public record Sharing(long bytes, long fromBytes) {
    public static final Sharing NONE = new Sharing(0, 0);

    private static final long MAX_BYTES = 1L << 32;

    public Sharing {
      if (bytes < 0 || bytes > MAX_BYTES) {
        throw new IllegalArgumentException(
            "shared memory: %d bytes (expected: 0 to %d)".formatted(bytes, MAX_BYTES));
      }
      if (fromBytes < 0) {
        throw new IllegalArgumentException(
            "shared memory: from %d bytes (expected: 0 or more)".formatted(fromBytes));
      }
    }
  }

  public TritonSettings {
    servers = List.copyOf(servers);
    if (servers.isEmpty()) {
      throw new IllegalArgumentException("servers: none (expected: one at least)");
    }
    // Every address is one: a mistake is found here and not when the name is looked up.
    servers.forEach(ServerAddress::check);
    if (connections < 1 || queueSize < 1 || maxAnswerBytes < 1) {
      throw new IllegalArgumentException(
          "connections, queueSize, maxAnswerBytes: %d, %d, %d (expected: > 0)"
              .formatted(connections, queueSize, maxAnswerBytes));
    }
  }

  /// Settings that share no memory, of servers that anybody may ask.
  public TritonSettings(
      List<String> servers,
      int connections,
      int queueSize,
      int maxAnswerBytes,
      Duration watchInterval,
      Duration probeTimeout,
      Duration openWait) {
    this(
        servers,
        connections,
        queueSize,
        maxAnswerBytes,
        watchInterval,
        probeTimeout,
        openWait,
        Sharing.NONE,
        Security.NONE);
  }

  /// The same, but for the memory that is shared.
  public TritonSettings with(Sharing sharing) {
    return new TritonSettings(
        servers,
        connections,
        queueSize,
        maxAnswerBytes,
        watchInterval,
        probeTimeout,
        openWait,
        sharing,
        security);
  }

  /// The same, but for how servers are known.
  public TritonSettings with(Security security) {
    return new TritonSettings(
        servers,
        connections,
        queueSize,
        maxAnswerBytes,
        watchInterval,
        probeTimeout,
        openWait,
        sharing,
        security);
  }

  /// The settings of one server with nothing said beyond its address.
  public static TritonSettings of(String server, int queueSize) {
    return new TritonSettings(
        List.of(server),
        2,
        queueSize,
        64 << 20,
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(10));
  }
}
