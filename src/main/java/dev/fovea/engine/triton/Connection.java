package dev.fovea.engine.triton;

import io.grpc.ManagedChannel;
import java.util.concurrent.atomic.AtomicInteger;

/// One connection to a server, and how many calls are under way on it.
record Connection(ManagedChannel channel, AtomicInteger calls) {
  Connection(ManagedChannel channel) {
    this(channel, new AtomicInteger());
  }
}
