package dev.fovea.app;

import com.google.common.collect.Lists;
import com.google.protobuf.ByteString;
import dev.fovea.call.CallContext;
import dev.fovea.call.Caller;
import dev.fovea.call.Clock;
import dev.fovea.call.Criticality;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Region;
import dev.fovea.rpc.RequestLimits;
import dev.fovea.task.CallRecord;
import dev.fovea.task.Content;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.Embedding;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.Task;
import dev.fovea.telemetry.StageListener;
import dev.fovea.text.Truncation;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.DensePredictionServiceGrpc;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EstimateDepthRequest;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
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
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// Calls every family a few times over a real connection before anyone else does, so that no caller
/// pays for what happens once: classes, compiled code, the runtime's memory. It keeps to the limits
/// that everybody else has: what a server does not let in needs no warmth.
final class WarmUp {
  private static final Logger LOG = System.getLogger(WarmUp.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int ROUNDS = 4;
  private static final int TOKENS = 4;
  private static final String TEMPLATE = "{}";
  private static final String PICTURE = "/warm-up.jpg";

  /// Of the picture.
  private static final int WIDTH = 160;

  private static final int HEIGHT = 120;

  private final InetSocketAddress server;
  private final RequestLimits limits;
  private final Duration patience;

  /// Makes no two items the same, so that none is answered with a vector that was kept.
  private int items;

  private volatile Set<String> cold = Set.of();

  WarmUp(String host, int port, RequestLimits limits) {
    this(host, port, limits, PATIENCE);
  }

  /// @param patience how long one call may take
  WarmUp(String host, int port, RequestLimits limits, Duration patience) {
    this.server = reachable(host, port);
    this.limits = limits;
    this.patience = patience;
  }

  /// Families whose calls ran out of time when they were tried last: the machine may be busy, and
  /// they are not to be counted on yet.
  Set<String> cold() {
    return cold;
  }

  /// Leaves out families that are not ready: their server may come later.
  ///
  /// @throws StatusRuntimeException when a family that is ready cannot answer, however long it is
  ///   given
  void run(FamilyCatalog catalog) {
    ManagedChannel channel = NettyChannelBuilder.forAddress(server).usePlaintext().build();
    Set<String> late = new HashSet<>();
    try {
      ByteString picture = picture();
      for (int round = 0; round < ROUNDS; round++) {
        for (ServedFamily family : catalog.served().values()) {
          String name = family.family().name();
          if (!late.contains(name) && !run(channel, family, picture)) {
            late.add(name);
            LOG.log(
                Level.WARNING,
                "family %s did not answer within %s: NOT_SERVING until it does"
                    .formatted(name, patience));
          }
        }
      }
    } finally {
      channel.shutdownNow();
    }
    cold = Set.copyOf(late);
  }

  /// @return whether it answered in time, if it is there at all
  private boolean run(ManagedChannel channel, ServedFamily family, ByteString picture) {
    try {
      if (family.ready()) {
        embed(channel, family, picture);
        if (seesPictures(picture)) {
          classify(channel, family, picture);
          estimateDepth(channel, family, picture);
          caption(channel, family, picture);
        }
      }
      return true;
    } catch (StatusRuntimeException e) {
      switch (e.getStatus().getCode()) {
        // Too busy for now, or with too many others.
        case DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED -> {
          return false;
        }
        default -> {
          if (family.ready()) {
            throw e;
          }
          return true;
        }
      }
    }
  }

  private boolean seesPictures(ByteString picture) {
    ImageLimits images = limits.image();
    return picture.size() <= images.maxBytes()
        && WIDTH * HEIGHT <= images.maxPixels()
        && WIDTH <= images.maxSide();
  }

  /// A text that no call before had.
  private String text(String before) {
    String text = before + items++;
    return text.substring(Math.max(0, text.length() - limits.maxTextCharacters()));
  }

  /// Has a family that nobody can call yet embed what it can, as often as is done at the start.
  ///
  /// @throws GatewayException when it does not answer
  static void tryOut(ServedFamily family, EmbedItems embedItems, Clock clock)
      throws InterruptedException {
    CallContext call =
        new CallContext(
            "trial", new Caller("trial"), Criticality.DEFAULT, Deadline.after(clock, PATIENCE));
    for (int round = 0; round < ROUNDS; round++) {
      List<Outcome<Content>> items = new ArrayList<>();
      if (Task.EMBED_IMAGE.isSupportedBy(family)) {
        items.add(
            Outcome.done(
                new Content.Image(
                    new ImageSource.Encoded(picture().asReadOnlyByteBuffer()),
                    ImageOptions.DEFAULT,
                    Region.WHOLE)));
      }
      if (Task.EMBED_TEXT.isSupportedBy(family)) {
        items.add(Outcome.done(new Content.Text("a picture " + round, Truncation.END)));
      }
      for (Outcome<Embedding> outcome :
          embedItems.run(family, items, new CallRecord(call, StageListener.none()))) {
        if (outcome instanceof Outcome.Failed<Embedding>(GatewayException refusal)) {
          throw refusal;
        }
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
    List<Item> items = new ArrayList<>();
    if (Task.EMBED_TEXT.isSupportedBy(family)) {
      Text text = Text.newBuilder().setValue(text("a picture ")).build();
      items.add(
          Item.newBuilder().setContent(dev.fovea.v1.Content.newBuilder().setText(text)).build());
    }
    if (Task.EMBED_IMAGE.isSupportedBy(family) && seesPictures(picture)) {
      items.add(item(picture));
      items.add(item(picture));
    }
    for (List<Item> call : Lists.partition(items, limits.maxItems())) {
      embed(channel, family, call);
    }
  }

  private void embed(ManagedChannel channel, ServedFamily family, List<Item> items) {
    EmbedRequest.Builder request =
        EmbedRequest.newBuilder().setModel(selector(family)).addAllItems(items);
    EmbeddingServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS)
        .embed(request.build());
  }

  private void classify(ManagedChannel channel, ServedFamily family, ByteString picture) {
    if (!Task.CLASSIFY.isSupportedBy(family)
        || limits.maxTextCharacters() < TEMPLATE.length()
        || family.family().space().orElseThrow().singleLabel().isEmpty()) {
      return;
    }
    LabelList.Builder labels = LabelList.newBuilder();
    int most = Math.min(limits.maxLabels(), limits.maxPrompts());
    for (int label = 0; label < Math.min(2, most); label++) {
      labels.addLabels(Label.newBuilder().setName(text("warm ")));
    }
    ClassificationServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS)
        .classify(
            ClassifyRequest.newBuilder()
                .setModel(selector(family))
                .addItems(item(picture))
                .setLabelList(labels)
                .addHypothesisTemplates(TEMPLATE)
                .build());
  }

  private void estimateDepth(ManagedChannel channel, ServedFamily family, ByteString picture) {
    if (Task.ESTIMATE_DEPTH.isSupportedBy(family)) {
      var _ =
          DensePredictionServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS)
              .estimateDepth(
                  EstimateDepthRequest.newBuilder()
                      .setModel(selector(family))
                      .setImage(image(picture))
                      .build());
    }
  }

  private void caption(ManagedChannel channel, ServedFamily family, ByteString picture) {
    if (Task.CAPTION.isSupportedBy(family)) {
      var _ =
          GenerationServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS)
              .caption(
                  CaptionRequest.newBuilder()
                      .setModel(selector(family))
                      .addItems(item(picture))
                      .setOptions(GenerationOptions.newBuilder().setMaxTokens(TOKENS))
                      .build());
    }
  }

  private static ModelSelector selector(ServedFamily family) {
    return ModelSelector.newBuilder().setModel(family.family().name()).build();
  }

  /// The picture over one more background, of which a JPEG shows nothing.
  private Image image(ByteString picture) {
    Image.Builder image = Image.newBuilder().setContent(picture);
    image.getOptionsBuilder().setAlphaBackground(items++);
    return image.build();
  }

  private Item item(ByteString picture) {
    return Item.newBuilder()
        .setContent(dev.fovea.v1.Content.newBuilder().setImage(image(picture)))
        .build();
  }
}
