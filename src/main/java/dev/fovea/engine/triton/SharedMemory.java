package dev.fovea.engine.triton;

import dev.fovea.call.Clock;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import inference.SystemSharedMemoryRegisterRequest;
import inference.SystemSharedMemoryStatusRequest;
import inference.SystemSharedMemoryUnregisterRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Memory that is shared with one server of this machine: tensors lie in it, and requests say
/// where.
///
/// Whether there is any is found out by asking the server to open it; one that does not, because it
/// is on another machine or does not allow it, gets its tensors over the connection. So it does
/// whenever there is no room: nobody ever waits for memory. Thread-safe.
final class SharedMemory {
  private static final Logger LOG = System.getLogger(SharedMemory.class.getName());

  /// Until a server has certainly ended what was cancelled: old ones crash when they forget a
  /// region that is in use.
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final TritonSettings.Sharing settings;
  private final Clock clock;
  private final String server;
  private final List<Retired> retired = new ArrayList<>();
  private volatile @Nullable SharedRegion current;
  private volatile boolean stale;
  private boolean closed;
  private String said = "";

  private record Retired(SharedRegion region, long sinceNanos) {}

  /// @param server its name, for the log
  SharedMemory(TritonSettings.Sharing settings, Clock clock, String server) {
    this.settings = settings;
    this.clock = clock;
    this.server = server;
  }

  /// Whether any is shared now.
  boolean isShared() {
    return current != null;
  }

  /// Room for a request whose tensors take so many bytes, if they are worth it and there is any.
  Optional<SharedRegion.Slot> take(long bytes) {
    SharedRegion region = current;
    return region == null || stale || bytes < settings.fromBytes()
        ? Optional.empty()
        : region.take(bytes);
  }

  /// The server does not know the region of this slot: nothing is put there any more.
  void isUnknown(SharedRegion.Slot slot) {
    if (slot.region().equals(current)) {
      stale = true;
    }
  }

  /// Whether [#tend] has something to do at once.
  boolean wantsTending() {
    SharedRegion region = current;
    return region != null && (stale || region.isWorn());
  }

  /// Brings this side and the server together: what the server has lost is given up, what others
  /// have left there is removed, and a region is there if there can be one.
  ///
  /// @throws StatusRuntimeException when the server does not answer
  synchronized void tend(GRPCInferenceServiceBlockingStub stub) {
    if (settings.bytes() == 0 || closed) {
      return;
    }
    try {
      Set<String> known =
          stub.systemSharedMemoryStatus(SystemSharedMemoryStatusRequest.getDefaultInstance())
              .getRegionsMap()
              .keySet();
      giveUp(known);
      forget(stub, known);
      if (current == null) {
        current = open(stub);
        say(Level.INFO, settings.bytes() + " bytes of memory are shared");
      }
    } catch (StatusRuntimeException e) {
      if (isGone(e.getStatus())) {
        throw e;
      }
      say(Level.WARNING, "no memory is shared: " + e.getStatus().getDescription());
    } catch (IOException | UncheckedIOException e) {
      say(Level.WARNING, "no memory is shared: " + e);
    }
  }

  private static boolean isGone(Status status) {
    return switch (Meaning.of(status, true)) {
      case LATE, UNREACHABLE, CONNECTION_LOST, SERVER_NOT_READY, ABANDONED, MALFORMED -> true;
      case QUEUE_FULL,
          QUEUE_TIMEOUT,
          MODEL_NOT_READY,
          MODEL_UNKNOWN,
          MEMORY_UNKNOWN,
          RESTRICTED,
          NOT_TAKEN,
          EXECUTION_FAILED ->
          false;
    };
  }

  private void giveUp(Set<String> known) {
    SharedRegion region = current;
    if (region != null && (stale || region.isWorn() || !known.contains(region.name()))) {
      current = null;
      stale = false;
      region.retire();
      retired.add(new Retired(region, clock.nanoTime()));
    }
  }

  private void forget(GRPCInferenceServiceBlockingStub stub, Set<String> known) throws IOException {
    for (Iterator<Retired> each = retired.iterator(); each.hasNext(); ) {
      Retired old = each.next();
      boolean registered = known.contains(old.region().name());
      boolean quiet = old.region().isIdle() || clock.nanoTime() - old.sinceNanos() > QUIET_NANOS;
      if (registered && quiet) {
        unregister(stub, old.region().name());
      }
      if (!registered || quiet) {
        old.region().forgotten();
        each.remove();
      }
    }
    SharedMemoryOwner owner = SharedMemoryOwner.get();
    for (String name : known) {
      if (owner.isStale(name)) {
        unregisterIfIdle(stub, name);
      }
    }
  }

  private static void unregister(GRPCInferenceServiceBlockingStub stub, String name) {
    var _ =
        stub.systemSharedMemoryUnregister(
            SystemSharedMemoryUnregisterRequest.newBuilder().setName(name).build());
  }

  /// What the server still works on stays registered until somebody looks again.
  private static void unregisterIfIdle(GRPCInferenceServiceBlockingStub stub, String name) {
    try {
      unregister(stub, name);
    } catch (StatusRuntimeException e) {
      if (isGone(e.getStatus())) {
        throw e;
      }
    }
  }

  /// A region that the server has opened, and whose memory there is.
  private SharedRegion open(GRPCInferenceServiceBlockingStub stub) throws IOException {
    SharedRegion region = SharedRegion.create(settings.bytes());
    boolean registered = false;
    boolean done = false;
    try {
      try {
        var _ =
            stub.systemSharedMemoryRegister(
                SystemSharedMemoryRegisterRequest.newBuilder()
                    .setName(region.name())
                    .setKey("/" + region.name())
                    .setByteSize(region.size())
                    .build());
        registered = true;
      } finally {
        region.unlink();
      }
      region.fill();
      done = true;
      return region;
    } finally {
      if (!done) {
        region.retire();
        if (registered) {
          unregister(stub, region.name());
        }
        region.forgotten();
      }
    }
  }

  /// Once for each thing that there is to say.
  private void say(Level level, String what) {
    if (!what.equals(said)) {
      said = what;
      LOG.log(level, "Triton at {0}: {1}", server, what);
    }
  }

  /// Lets go of the memory. What the server still works on it keeps, until somebody finds it there.
  synchronized void close(GRPCInferenceServiceBlockingStub stub) {
    closed = true;
    SharedRegion region = current;
    current = null;
    if (region != null) {
      boolean idle = region.isIdle();
      region.retire();
      try {
        if (idle) {
          unregister(stub, region.name());
        }
      } catch (StatusRuntimeException _) {
        // It has gone, and so has its mapping.
      }
      region.forgotten();
    }
    retired.forEach(old -> old.region().forgotten());
    retired.clear();
  }
}
