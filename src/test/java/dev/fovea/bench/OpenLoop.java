package dev.fovea.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.DefaultHttp2FrameWriter;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2FrameReader;
import io.netty.handler.codec.http2.Http2FrameWriter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.AsciiString;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Sends calls of bytes made beforehand over a few connections, at the moments at which they are
/// due: an open load. One thread does it all, at a small part of what a gRPC client costs, so that
/// a machine of two processors has the rest for the server.
///
/// It keeps to the server's flow control and to its bound of streams; what has to wait for either
/// waits here, and its latency goes on.
final class OpenLoop implements AutoCloseable {
  private static final AsciiString TIMEOUT = AsciiString.cached("grpc-timeout");
  private static final int WINDOW = 1 << 30;

  /// Calls that are alike.
  ///
  /// @param method the full name
  /// @param headers beside those of every call
  /// @param message the request, as it is on the wire
  /// @param allowedNanos the time from the moment at which a call is due to its deadline
  record Call(String method, Map<String, String> headers, byte[] message, long allowedNanos) {}

  /// What there is to send.
  interface Plan {
    /// When the next call is due by [System#nanoTime], or [Long#MAX_VALUE] when that was all.
    long due();

    /// The call that is due; moves on to the next.
    Call take();
  }

  /// Hears of each call, on the one thread.
  interface Listener {
    /// @param late nanoseconds from the moment at which the call was due to its first byte
    void sent(long late);

    /// @param nanos from the moment at which the call was due
    /// @param trailers of the answer; null when the stream was reset
    void ended(Call call, long nanos, @Nullable Http2Headers trailers);
  }

  private final EventLoopGroup group;
  private final EventLoop loop;
  private final List<Connection> connections = new ArrayList<>();

  OpenLoop(int port, int count) throws InterruptedException {
    boolean epoll = Epoll.isAvailable();
    DefaultThreadFactory threads = new DefaultThreadFactory("open-loop", true);
    this.group = epoll ? new EpollEventLoopGroup(1, threads) : new NioEventLoopGroup(1, threads);
    this.loop = group.next();
    for (int i = 0; i < count; i++) {
      Connection connection = new Connection();
      new Bootstrap()
          .group(loop)
          .channel(epoll ? EpollSocketChannel.class : NioSocketChannel.class)
          .handler(connection)
          .connect(InetAddress.getLoopbackAddress(), port)
          .sync();
      connections.add(connection);
    }
  }

  /// Sends all and waits for what becomes of each.
  ///
  /// @param seconds how long the plan takes; fifteen more are waited for what is left
  void run(Plan plan, Listener listener, int seconds) throws Exception {
    Run run = new Run(plan, listener);
    loop.execute(run);
    run.over.get(seconds + 15, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    var _ = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private final class Run implements Runnable {
    private final Plan plan;
    private final Listener listener;
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private int next;
    private long underWay;
    private boolean allSent;

    Run(Plan plan, Listener listener) {
      this.plan = plan;
      this.listener = listener;
    }

    @Override
    public void run() {
      try {
        long due = plan.due();
        long now = System.nanoTime();
        while (due != Long.MAX_VALUE && due - now <= 0) {
          underWay++;
          connections.get(next++ % connections.size()).add(new Sent(this, plan.take(), due));
          due = plan.due();
          now = System.nanoTime();
        }
        connections.forEach(Connection::flush);
        if (due == Long.MAX_VALUE) {
          allSent = true;
          endWhenAllHave();
        } else {
          var _ = loop.schedule(this, due - now, TimeUnit.NANOSECONDS);
        }
      } catch (RuntimeException e) {
        over.completeExceptionally(e);
      }
    }

    void ended(Sent sent, @Nullable Http2Headers trailers) {
      listener.ended(sent.call, System.nanoTime() - sent.due, trailers);
      underWay--;
      endWhenAllHave();
    }

    private void endWhenAllHave() {
      if (allSent && underWay == 0) {
        over.complete(null);
      }
    }
  }

  private record Sent(Run run, Call call, long due) {}

  /// One connection, frame by frame.
  private static final class Connection extends ByteToMessageDecoder {
    private final Http2FrameReader reader = new DefaultHttp2FrameReader(false);
    private final Http2FrameWriter writer = new DefaultHttp2FrameWriter();
    private final IntObjectHashMap<Sent> streams = new IntObjectHashMap<>();
    private final Deque<Sent> waiting = new ArrayDeque<>();
    private final Frames frames = new Frames();
    private @Nullable ChannelHandlerContext context;
    private long window = Http2CodecUtil.DEFAULT_WINDOW_SIZE;
    private long mostStreams = 100;
    private int received;
    private int stream = 1;

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      context = ctx;
      var _ = ctx.write(Http2CodecUtil.connectionPrefaceBuf());
      var _ =
          writer.writeSettings(
              ctx,
              new Http2Settings().pushEnabled(false).initialWindowSize(WINDOW),
              ctx.newPromise());
      var _ = writer.writeWindowUpdate(ctx, 0, WINDOW, ctx.newPromise());
      ctx.flush();
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out)
        throws Http2Exception {
      reader.readFrame(ctx, in, frames);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) throws Exception {
      super.channelReadComplete(ctx);
      flush();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      fail(new IllegalStateException("the server has closed the connection"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      fail(cause);
      var _ = ctx.close();
    }

    private void fail(Throwable cause) {
      streams.values().forEach(sent -> sent.run.over.completeExceptionally(cause));
      waiting.forEach(sent -> sent.run.over.completeExceptionally(cause));
    }

    void add(Sent sent) {
      waiting.add(sent);
    }

    /// Sends what waits, as far as the server lets it.
    void flush() {
      ChannelHandlerContext ctx = context;
      if (ctx == null) {
        return;
      }
      while (!waiting.isEmpty()
          && streams.size() < mostStreams
          && window >= waiting.peek().call.message().length) {
        send(ctx, waiting.remove());
      }
      ctx.flush();
    }

    private void send(ChannelHandlerContext ctx, Sent sent) {
      Call call = sent.call;
      long late = System.nanoTime() - sent.due;
      sent.run.listener.sent(late);
      Http2Headers headers =
          new DefaultHttp2Headers(false)
              .method("POST")
              .scheme("http")
              .authority("localhost")
              .path("/" + call.method())
              .add("content-type", "application/grpc")
              .add("te", "trailers")
              .add("user-agent", "open-loop")
              .add(TIMEOUT, Math.max(1, (call.allowedNanos() - late) / 1000) + "u");
      call.headers().forEach(headers::add);
      streams.put(stream, sent);
      window -= call.message().length;
      var _ = writer.writeHeaders(ctx, stream, headers, 0, false, ctx.newPromise());
      ByteBuf message = Unpooled.wrappedBuffer(call.message());
      while (message.readableBytes() > Http2CodecUtil.DEFAULT_MAX_FRAME_SIZE) {
        ByteBuf part = message.readRetainedSlice(Http2CodecUtil.DEFAULT_MAX_FRAME_SIZE);
        var _ = writer.writeData(ctx, stream, part, 0, false, ctx.newPromise());
      }
      var _ = writer.writeData(ctx, stream, message, 0, true, ctx.newPromise());
      stream += 2;
    }

    private void end(int id, @Nullable Http2Headers trailers) {
      Sent sent = streams.remove(id);
      if (sent != null) {
        sent.run.ended(sent, trailers);
      }
    }

    /// What the server says.
    private final class Frames extends Http2FrameAdapter {
      @Override
      public int onDataRead(
          ChannelHandlerContext ctx, int id, ByteBuf data, int padding, boolean last) {
        received += data.readableBytes() + padding;
        if (received > WINDOW / 2) {
          var _ = writer.writeWindowUpdate(ctx, 0, received, ctx.newPromise());
          received = 0;
        }
        return data.readableBytes() + padding;
      }

      @Override
      public void onHeadersRead(
          ChannelHandlerContext ctx,
          int id,
          Http2Headers headers,
          int dependency,
          short weight,
          boolean exclusive,
          int padding,
          boolean last) {
        onHeadersRead(ctx, id, headers, padding, last);
      }

      @Override
      public void onHeadersRead(
          ChannelHandlerContext ctx, int id, Http2Headers headers, int padding, boolean last) {
        if (last) {
          end(id, headers);
        }
      }

      @Override
      public void onRstStreamRead(ChannelHandlerContext ctx, int id, long error) {
        end(id, null);
      }

      @Override
      public void onSettingsRead(ChannelHandlerContext ctx, Http2Settings settings) {
        Long most = settings.maxConcurrentStreams();
        mostStreams = most == null ? Integer.MAX_VALUE : most;
        var _ = writer.writeSettingsAck(ctx, ctx.newPromise());
      }

      @Override
      public void onPingRead(ChannelHandlerContext ctx, long data) {
        var _ = writer.writePing(ctx, true, data, ctx.newPromise());
      }

      @Override
      public void onWindowUpdateRead(ChannelHandlerContext ctx, int id, int increment) {
        if (id == 0) {
          window += increment;
        }
      }

      @Override
      public void onGoAwayRead(ChannelHandlerContext ctx, int lastId, long error, ByteBuf debug) {
        fail(new IllegalStateException("GOAWAY %d: %s".formatted(error, debug.toString(UTF_8))));
      }
    }
  }
}
