package dev.fovea.engine.triton;

import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.List;

/// The threads that read and write connections, one a processor: those of clients and those to
/// Triton alike. So a call that needs no thread of its own comes in, goes out, and is answered on
/// one loop, without a hand-over between threads, each of which costs more than a copy of an image.
///
/// One set for the process, of daemon threads; a loop without connections has no thread.
public final class EventLoops {
  private static final EventLoops SHARED = new EventLoops();

  private final boolean epoll = Epoll.isAvailable();
  private final EventLoopGroup group;
  private final List<EventLoop> loops = new ArrayList<>();

  private EventLoops() {
    int size = Runtime.getRuntime().availableProcessors();
    DefaultThreadFactory threads = new DefaultThreadFactory("connections", true);
    group = epoll ? new EpollEventLoopGroup(size, threads) : new NioEventLoopGroup(size, threads);
    for (int i = 0; i < size; i++) {
      loops.add(group.next());
    }
  }

  public static EventLoops shared() {
    return SHARED;
  }

  /// Has a server's connections spread over the loops.
  public NettyServerBuilder serve(NettyServerBuilder builder) {
    return builder
        .bossEventLoopGroup(group)
        .workerEventLoopGroup(group)
        .channelType(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class);
  }

  /// The loop of the connection of that number.
  EventLoop loop(int number) {
    return loops.get(number % loops.size());
  }

  /// Has a client's connection read and written by one loop.
  NettyChannelBuilder connect(NettyChannelBuilder builder, EventLoop loop) {
    return builder
        .eventLoopGroup(loop)
        .channelType(epoll ? EpollSocketChannel.class : NioSocketChannel.class);
  }
}
