package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.raw;
import static dev.fovea.rpc.Uploads.chunk;
import static dev.fovea.rpc.Uploads.messages;
import static dev.fovea.rpc.Uploads.metadata;
import static dev.fovea.rpc.Uploads.send;
import static dev.fovea.rpc.Uploads.upload;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Timestamps;
import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeClock;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.CompareRequest;
import dev.fovea.v1.DeleteImageRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.GetImageInfoRequest;
import dev.fovea.v1.Image;
import dev.fovea.v1.ImageFormat;
import dev.fovea.v1.ImageInfo;
import dev.fovea.v1.ImageOptions;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.Item;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.Orientation;
import dev.fovea.v1.PixelBox;
import dev.fovea.v1.UploadImageMetadata;
import dev.fovea.v1.UploadImageRequest;
import dev.fovea.v1.UploadImageResponse;
import io.grpc.Channel;
import io.grpc.Status.Code;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Images that are sent once and asked about often, over a real channel.
@Timeout(60)
final class ImageServiceTest {
  private static final Path IMAGES = Path.of("src/test/resources/golden/images");
  private static final Duration TIME_TO_LIVE = Duration.ofMinutes(10);
  private static final int MAX_IMAGE_BYTES = 3 << 20;
  private static final FakeClock CLOCK = new FakeClock();

  private static TestGateway gateway;
  private static Channel anna;
  private static Channel ben;

  @BeforeAll
  static void start() {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.call.trust-caller-header", "true",
                "fovea.limits.max-image-bytes", String.valueOf(MAX_IMAGE_BYTES),
                "fovea.uploads.time-to-live", "10m",
                "fovea.uploads.max-images", "6",
                "fovea.uploads.max-bytes", String.valueOf(6 << 20),
                "fovea.uploads.max-images-per-caller", "4",
                "fovea.uploads.max-bytes-per-caller", String.valueOf(4 << 20)),
            CLOCK);
    anna = gateway.channelOf("anna");
    ben = gateway.channelOf("ben");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @BeforeEach
  @AfterEach
  void nothingIsKept() {
    CLOCK.advance(TIME_TO_LIVE);
    awaitImages(0);
    assertThat(gateway.metric("fovea.uploads.bytes")).isZero();
  }

  // Uploading

  @Test
  void handleStandsForTheImageWhereverAnImageIs() {
    byte[] cat = file("420-q90.jpg");
    Item handle = handle(upload(anna, cat));
    var embedding = EmbeddingServiceGrpc.newBlockingStub(anna);

    EmbedResponse response = embedding.embed(embed(handle, image(cat)));

    assertThat(response.getResults(0).getEmbedding().getOrientedWidth()).isEqualTo(61);
    assertThat(
            embedding
                .compare(CompareRequest.newBuilder().addLeft(handle).addRight(image(cat)).build())
                .getRows(0)
                .getCells(0)
                .getCosine())
        .isGreaterThan(0.9999f);
    assertThat(
            ClassificationServiceGrpc.newBlockingStub(anna)
                .classify(Requests.classify(handle, "a cat", "a dog"))
                .getResults(0)
                .getClassification()
                .getScoresCount())
        .isEqualTo(2);
    assertThat(gateway.metric("fovea.uploads.bytes")).isEqualTo(cat.length);
  }

  @Test
  void answerTellsWhatCameAndUntilWhenItIsKept() throws Exception {
    byte[] cat = file("420-q90.jpg");

    UploadImageResponse response = send(anna, announced(cat), chunk(cat));

    assertThat(response.getHandle()).matches("[A-Za-z0-9_-]{24}");
    assertThat(response.getSha256()).isEqualTo(sha256(cat));
    assertThat(Timestamps.toNanos(response.getExpireTime()))
        .isEqualTo(CLOCK.nanoTime() + TIME_TO_LIVE.toNanos());
    assertThat(response.getInfo().getFormat()).isEqualTo(ImageFormat.IMAGE_FORMAT_JPEG);
    assertThat(response.getInfo().getSizeBytes()).isEqualTo(cat.length);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1000, 1 << 20})
  void chunksMayBeOfAnySize(int size) throws Exception {
    byte[] cat = file("420-17x23.jpg");

    assertThat(send(anna, messages(cat, size)).getSha256()).isEqualTo(sha256(cat));
  }

  @Test
  void imageOfManyLargeChunksArrivesWhole() throws Exception {
    byte[] large = Arrays.copyOf(file("32.bmp"), MAX_IMAGE_BYTES);

    assertThat(send(anna, messages(large, 1 << 20)).getSha256()).isEqualTo(sha256(large));
  }

  @Test
  void messagesOutOfOrder() {
    byte[] cat = file("420-17x23.jpg");

    refusedUpload().mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(metadata()).mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(chunk(cat)).mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(metadata(), metadata(), chunk(cat))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(metadata(), chunk(cat), metadata())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(UploadImageRequest.getDefaultInstance())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
    refusedUpload(metadata(), UploadImageRequest.getDefaultInstance())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "part");
  }

  @Test
  void chunkOfNoBytesOrOfTooMany() {
    refusedUpload(metadata(), chunk(new byte[0]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "chunk");
    refusedUpload(metadata(), chunk(new byte[(1 << 20) + 1]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "chunk");
  }

  @Test
  void digestThatIsNotThatOfTheBytes() throws Exception {
    byte[] cat = file("420-17x23.jpg");
    ByteString digest = sha256(cat);
    byte[] other = cat.clone();
    other[other.length / 2] ^= 1;

    refusedUpload(announced(cat), chunk(other))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "metadata.sha256");
    refusedUpload(metadata(UploadImageMetadata.newBuilder().setSha256(digest.substring(1)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "metadata.sha256");
  }

  @Test
  void sizeThatIsNotThatOfTheBytes() {
    byte[] cat = file("420-17x23.jpg");

    refusedUpload(metadata(cat.length + 1), chunk(cat))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "metadata.size_bytes");
    refusedUpload(metadata(cat.length - 1), chunk(cat), chunk(cat))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "metadata.size_bytes");
    refusedUpload(metadata(0), chunk(cat))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "metadata.size_bytes");
  }

  @Test
  void imageThatIsTooLargeIsRefusedBeforeItIsSent() throws Exception {
    for (long size : new long[] {MAX_IMAGE_BYTES + 1, Long.MAX_VALUE, -1}) {
      BlockingClientCall<UploadImageRequest, UploadImageResponse> call = newCall(anna);
      call.write(metadata(size));

      // The client says nothing more, not even that: the refusal comes all the same.
      Refusal refusal = Refusal.of(() -> Uploads.read(call));

      refusal.mustBe(Code.INVALID_ARGUMENT, Reason.IMAGE_TOO_LARGE, "metadata.size_bytes");
      assertThat(refusal.metadata()).containsEntry("maxBytes", String.valueOf(MAX_IMAGE_BYTES));
    }
  }

  @Test
  void imageThatIsTooLargeIsRefusedWhileItComes() {
    byte[] large = new byte[4 << 20];

    refusedUpload(messages(large, 1 << 20))
        .mustBe(Code.INVALID_ARGUMENT, Reason.IMAGE_TOO_LARGE, "chunk");
  }

  @Test
  void bytesThatAreNoImage() {
    refusedUpload(metadata(), chunk(new byte[100]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.UNSUPPORTED_IMAGE_FORMAT, "chunk");
    refusedUpload(metadata(), chunk(Arrays.copyOf(file("420-17x23.jpg"), 10)))
        .mustBe(Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "chunk");
  }

  // Room

  @Test
  void callerWithoutRoomIsToldWhenThereWillBeSome() {
    byte[] cat = file("420-17x23.jpg");
    String first = upload(anna, cat);
    CLOCK.advance(Duration.ofMinutes(1));
    for (int i = 0; i < 3; i++) {
      upload(anna, cat);
    }

    Refusal refusal = refusedUpload(metadata(), chunk(cat));

    refusal.mustBe(Code.RESOURCE_EXHAUSTED, Reason.IMAGE_STORE_FULL);
    assertThat(refusal.metadata()).containsEntry("scope", "caller").containsEntry("maxImages", "4");
    assertThat(refusal.retryable()).isTrue();
    upload(ben, cat);
    assertThat(delete(anna, first)).isTrue();
    upload(anna, cat);
  }

  @Test
  void fullServerRefusesAndDrivesNothingOut() {
    byte[] large = Arrays.copyOf(file("32.bmp"), 3 << 20);
    String annas = send(anna, messages(large, 1 << 20)).getHandle();
    String bens = send(ben, messages(large, 1 << 20)).getHandle();

    Refusal refusal =
        Refusal.of(() -> send(gateway.channelOf("carl"), metadata(), chunk(new byte[1])));

    refusal.mustBe(Code.RESOURCE_EXHAUSTED, Reason.IMAGE_STORE_FULL);
    assertThat(refusal.metadata())
        .containsEntry("scope", "server")
        .containsEntry("maxBytes", String.valueOf(6 << 20));
    assertThat(info(anna, named(annas)).getSizeBytes()).isEqualTo(3 << 20);
    assertThat(info(ben, named(bens)).getSizeBytes()).isEqualTo(3 << 20);
    assertThat(gateway.metric("fovea.uploads.refusals")).isPositive();
  }

  @Test
  void announcedSizeIsHeldAgainstTheRoomThatIsLeft() throws Exception {
    byte[] large = Arrays.copyOf(file("32.bmp"), 3 << 20);
    send(anna, messages(large, 1 << 20));
    BlockingClientCall<UploadImageRequest, UploadImageResponse> call = newCall(anna);
    call.write(metadata(2 << 20));

    Refusal.of(() -> Uploads.end(call)).mustBe(Code.RESOURCE_EXHAUSTED, Reason.IMAGE_STORE_FULL);
  }

  @Test
  void clientThatGoesAwayLeavesNothingBehind() throws Exception {
    BlockingClientCall<UploadImageRequest, UploadImageResponse> call = newCall(anna);
    call.write(metadata());
    call.write(chunk(new byte[1000]));
    awaitImages(1);

    call.cancel("changed my mind", null);

    awaitImages(0);
    assertThat(gateway.metric("fovea.uploads.bytes")).isZero();
  }

  @Test
  void clientWhoseTimeRunsOutLeavesNothingBehind() throws Exception {
    BlockingClientCall<UploadImageRequest, UploadImageResponse> call =
        ImageServiceGrpc.newBlockingV2Stub(anna)
            .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
            .uploadImage();
    call.write(metadata());
    call.write(chunk(new byte[1000]));

    assertThat(Refusal.of(() -> Uploads.read(call)).code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    awaitImages(0);
  }

  // Handles

  @Test
  void handleThatIsNone() {
    byte[] cat = file("420-17x23.jpg");
    String annas = upload(anna, cat);
    String deleted = upload(ben, cat);
    delete(ben, deleted);

    String expected = refusedHandle(ben, "AAAAAAAAAAAAAAAAAAAAAAAA").message();
    for (String handle : new String[] {annas, deleted, "x", "../../etc/passwd", "ä\n"}) {
      Refusal refusal = refusedHandle(ben, handle);
      refusal.mustBe(Code.NOT_FOUND, Reason.IMAGE_HANDLE_EXPIRED, "items[0].content.image.handle");
      // Whose it is, or was, is not to be told from the refusal.
      assertThat(refusal.message().substring(refusal.message().indexOf("(expected")))
          .isEqualTo(expected.substring(expected.indexOf("(expected")));
    }
    for (String handle : new String[] {"", "x".repeat(129)}) {
      refusedHandle(ben, handle)
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.handle");
    }
  }

  @Test
  void handleExpires() {
    String handle = upload(anna, file("420-17x23.jpg"));
    CLOCK.advance(TIME_TO_LIVE.minusNanos(1));
    assertThat(info(anna, named(handle)).getWidth()).isEqualTo(17);
    double expirations = gateway.metric("fovea.uploads.expirations");

    CLOCK.advance(Duration.ofNanos(1));

    refusedHandle(anna, handle)
        .mustBe(Code.NOT_FOUND, Reason.IMAGE_HANDLE_EXPIRED, "items[0].content.image.handle");
    assertThat(gateway.metric("fovea.uploads.expirations")).isEqualTo(expirations + 1);
  }

  @Test
  void deletingMayBeRepeated() {
    String handle = upload(anna, file("420-17x23.jpg"));

    assertThat(delete(ben, handle)).as("it is not his").isFalse();
    assertThat(delete(anna, handle)).isTrue();
    assertThat(delete(anna, handle)).isFalse();
    assertThat(delete(anna, "never given out")).isFalse();
    for (String none : new String[] {"", "x".repeat(129)}) {
      Refusal.of(() -> delete(anna, none))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "handle");
    }
  }

  // Telling what an image is

  @Test
  void infoIsThatOfTheHeader() {
    byte[] turned = file("exif-6.jpg");

    ImageInfo info = info(anna, content(turned).build());

    assertThat(info.getFormat()).isEqualTo(ImageFormat.IMAGE_FORMAT_JPEG);
    assertThat(info.getOrientation()).isEqualTo(6);
    assertThat(info.getOrientedWidth()).isEqualTo(info.getHeight());
    assertThat(info.getOrientedHeight()).isEqualTo(info.getWidth());
    assertThat(info.getWidth()).isNotEqualTo(info.getHeight());
    assertThat(info.getFrames()).isEqualTo(1);
    assertThat(info.getSizeBytes()).isEqualTo(turned.length);
    assertThat(info.hasRegion()).isFalse();
    assertThat(info(anna, named(upload(anna, turned)))).isEqualTo(info);
  }

  @Test
  void infoFollowsTheOptionsAndTheRegion() {
    Image.Builder image = content(file("exif-6.jpg"));
    ImageInfo upright = info(anna, image.build());
    image.setRegion(NormalizedBox.newBuilder().setXMax(0.5f).setYMin(0.5f).setYMax(1));

    assertThat(info(anna, image.build()).getRegion())
        .isEqualTo(
            PixelBox.newBuilder()
                .setTop((upright.getOrientedHeight() + 1) / 2)
                .setWidth((upright.getOrientedWidth() + 1) / 2)
                .setHeight(upright.getOrientedHeight() / 2)
                .build());
    image.setOptions(ImageOptions.newBuilder().setOrientation(Orientation.ORIENTATION_IGNORE));
    assertThat(info(anna, image.build()).getOrientedWidth()).isEqualTo(upright.getWidth());
  }

  @ParameterizedTest
  @CsvSource({
    "420-q90.jpg, IMAGE_FORMAT_JPEG",
    "colour-8.png, IMAGE_FORMAT_PNG",
    "frames-0.gif, IMAGE_FORMAT_GIF",
    "32.bmp, IMAGE_FORMAT_BMP",
    "big.tif, IMAGE_FORMAT_TIFF",
    "exif-1.webp, IMAGE_FORMAT_WEBP"
  })
  void infoTellsTheFormat(String name, ImageFormat format) {
    assertThat(info(anna, content(file(name)).build()).getFormat()).isEqualTo(format);
  }

  @Test
  void infoOfAnAnimationCountsItsFrames() {
    assertThat(info(anna, content(file("frames-0.gif")).build()).getFrames()).isEqualTo(6);
  }

  @Test
  void infoOfRawPixels() {
    Image image = raw(3, 2, new byte[18]).getContent().getImage();

    assertThat(info(anna, image))
        .isEqualTo(
            ImageInfo.newBuilder()
                .setFormat(ImageFormat.IMAGE_FORMAT_RAW)
                .setWidth(3)
                .setHeight(2)
                .setOrientation(1)
                .setOrientedWidth(3)
                .setOrientedHeight(2)
                .setFrames(1)
                .setSizeBytes(18)
                .build());
  }

  @Test
  void infoOfWhatIsNoImage() {
    Refusal.of(() ->
            ImageServiceGrpc.newBlockingStub(anna)
                .getImageInfo(GetImageInfoRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image");
    Refusal.of(() -> info(anna, Image.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image.source");
    Refusal.of(() -> info(anna, content(new byte[50]).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.UNSUPPORTED_IMAGE_FORMAT, "image.content");
    Refusal.of(() -> info(anna, named("nobody's")))
        .mustBe(Code.NOT_FOUND, Reason.IMAGE_HANDLE_EXPIRED, "image.handle");
    Refusal.of(() -> info(anna, content(file("frames-0.gif")).setFrameIndex(6).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image.frame_index");
    Refusal.of(() -> info(anna, raw(4, 4, new byte[47]).getContent().getImage()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "image.raw.data");
  }

  private static BlockingClientCall<UploadImageRequest, UploadImageResponse> newCall(
      Channel channel) {
    return ImageServiceGrpc.newBlockingV2Stub(channel).uploadImage();
  }

  private static Refusal refusedUpload(UploadImageRequest... messages) {
    return Refusal.of(() -> send(anna, messages));
  }

  private static Refusal refusedHandle(Channel channel, String handle) {
    EmbedResponse response =
        EmbeddingServiceGrpc.newBlockingStub(channel).embed(embed(handle(handle), noise(1)));
    assertThat(response.getResults(1).hasEmbedding()).as("its neighbour").isTrue();
    return Refusal.of(response.getResults(0).getError().getStatus());
  }

  private static ImageInfo info(Channel channel, Image image) {
    return ImageServiceGrpc.newBlockingStub(channel)
        .getImageInfo(GetImageInfoRequest.newBuilder().setImage(image).build())
        .getInfo();
  }

  private static boolean delete(Channel channel, String handle) {
    return ImageServiceGrpc.newBlockingStub(channel)
        .deleteImage(DeleteImageRequest.newBuilder().setHandle(handle).build())
        .getDeleted();
  }

  private static Item handle(String handle) {
    return image(named(handle));
  }

  private static Image named(String handle) {
    return Image.newBuilder().setHandle(handle).build();
  }

  private static Image.Builder content(byte[] file) {
    return Image.newBuilder().setContent(ByteString.copyFrom(file));
  }

  private static UploadImageRequest announced(byte[] file) throws Exception {
    return metadata(
        UploadImageMetadata.newBuilder().setSizeBytes(file.length).setSha256(sha256(file)).build());
  }

  private static ByteString sha256(byte[] file) throws Exception {
    return ByteString.copyFrom(MessageDigest.getInstance("SHA-256").digest(file));
  }

  private static byte[] file(String name) {
    try {
      return Files.readAllBytes(IMAGES.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Waits until so many images are kept or on their way.
  private static void awaitImages(int count) {
    while (gateway.metric("fovea.uploads.images") != count) {
      Thread.onSpinWait();
    }
  }
}
