package dev.fovea.app;

import com.google.protobuf.ByteString;
import dev.fovea.engine.ServedFamily;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.Task;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.Content;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelList;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.Text;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/// Calls every family a few times over a real connection before anyone else does, so that no caller
/// pays for what happens once: classes, compiled code, the runtime's memory.
final class WarmUp {
  private static final int ROUNDS = 4;
  private static final String PICTURE = "/warm-up.jpg";

  /// Makes no two items the same, so that none is answered with a vector that was kept.
  private int items;

  private WarmUp() {}

  /// Leaves out families that are not ready: their server may come later.
  ///
  /// @throws StatusRuntimeException when a family that is ready cannot answer
  static void run(String host, int port, FamilyCatalog catalog) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(reachable(host, port)).usePlaintext().build();
    WarmUp warmUp = new WarmUp();
    try {
      ByteString picture = picture();
      for (int round = 0; round < ROUNDS; round++) {
        for (ServedFamily family : catalog.served().values()) {
          warmUp.run(channel, family, picture);
        }
      }
    } finally {
      channel.shutdownNow();
    }
  }

  private void run(ManagedChannel channel, ServedFamily family, ByteString picture) {
    try {
      if (family.ready()) {
        embed(channel, family, picture);
        classify(channel, family, picture);
      }
    } catch (StatusRuntimeException e) {
      if (family.ready()) {
        throw e;
      }
    }
  }

  /// A server that listens on every address is called on this machine's own.
  private static InetSocketAddress reachable(String host, int port) {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.getAddress() != null && address.getAddress().isAnyLocalAddress()) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
    return address;
  }

  private static ByteString picture() {
    try (InputStream in = WarmUp.class.getResourceAsStream(PICTURE)) {
      return ByteString.readFrom(Objects.requireNonNull(in, PICTURE));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void embed(ManagedChannel channel, ServedFamily family, ByteString picture) {
    EmbedRequest.Builder request = EmbedRequest.newBuilder().setModel(selector(family));
    if (Task.EMBED_IMAGE.isSupportedBy(family)) {
      request.addItems(item(picture)).addItems(item(picture));
    }
    if (Task.EMBED_TEXT.isSupportedBy(family)) {
      request.addItems(
          Item.newBuilder()
              .setContent(
                  Content.newBuilder()
                      .setText(Text.newBuilder().setValue("a picture " + items++))));
    }
    EmbeddingServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .embed(request.build());
  }

  private void classify(ManagedChannel channel, ServedFamily family, ByteString picture) {
    if (!Task.CLASSIFY.isSupportedBy(family)
        || family.family().space().orElseThrow().singleLabel().isEmpty()) {
      return;
    }
    ClassificationServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .classify(
            ClassifyRequest.newBuilder()
                .setModel(selector(family))
                .addItems(item(picture))
                .setLabelList(
                    LabelList.newBuilder()
                        .addLabels(Label.newBuilder().setName("warm " + items++))
                        .addLabels(Label.newBuilder().setName("cold " + items++)))
                .build());
  }

  private static ModelSelector selector(ServedFamily family) {
    return ModelSelector.newBuilder().setModel(family.family().name()).build();
  }

  /// The picture over one more background, of which a JPEG shows nothing.
  private Item item(ByteString picture) {
    Image.Builder image = Image.newBuilder().setContent(picture);
    image.getOptionsBuilder().setAlphaBackground(items++);
    return Item.newBuilder().setContent(Content.newBuilder().setImage(image)).build();
  }
}
