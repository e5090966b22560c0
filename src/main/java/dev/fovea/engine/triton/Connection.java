package dev.fovea.engine.triton;

import io.grpc.ManagedChannel;
import io.netty.channel.EventLoop;
import java.util.concurrent.atomic.AtomicInteger;

/// One connection to a server, and how many calls are under way on it.
///
/// @param loop reads and writes it
record Connection(ManagedChannel channel, EventLoop loop, AtomicInteger calls) {
  Connection(ManagedChannel channel, EventLoop loop) {
    this(channel, loop, new AtomicInteger());
  }
}
