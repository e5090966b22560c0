package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.raw;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.ByteString;
import dev.fovea.app.TestGateway;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.Detail;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.Embedding;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Image;
import dev.fovea.v1.ImageOptions;
import dev.fovea.v1.Item;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.Orientation;
import dev.fovea.v1.PixelBox;
import dev.fovea.v1.PixelFormat;
import dev.fovea.v1.RawImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What may be said of an image besides its bytes: which part of it, which frame, how much detail.
@Timeout(60)
final class ImageInputTest {
  private static final Path IMAGES = Path.of("src/test/resources/golden/images");
  private static final int WIDTH = 50;
  private static final int HEIGHT = 40;

  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void regionIsSeenAsIfItWereAnImageOfItsOwn() {
    byte[] rgb = noise();
    Image.Builder whole = raw(WIDTH, HEIGHT, rgb).getContent().getImage().toBuilder();
    whole.setRegion(box(0.2f, 0.25f, 0.6f, 1));

    EmbedResponse response =
        embeddings(image(whole.build()), raw(20, 30, part(rgb, 10, 10, 20, 30)));

    Embedding seen = response.getResults(0).getEmbedding();
    assertThat(seen.getVector()).isEqualTo(response.getResults(1).getEmbedding().getVector());
    assertThat(seen.getOrientedWidth()).isEqualTo(WIDTH);
    assertThat(seen.getOrientedHeight()).isEqualTo(HEIGHT);
    assertThat(seen.getRegion())
        .isEqualTo(PixelBox.newBuilder().setLeft(10).setTop(10).setWidth(20).setHeight(30).build());
    assertThat(response.getResults(1).getEmbedding().hasRegion()).isFalse();
    assertThat(response.getCallInfo().getUsage().getImagePixels())
        .as("all of it was decoded")
        .isEqualTo(WIDTH * HEIGHT + 20 * 30);
  }

  @Test
  void regionOfTheWholeImageChangesNothing() {
    Item item = raw(WIDTH, HEIGHT, noise());
    Item same = image(item.getContent().getImage().toBuilder().setRegion(box(0, 0, 1, 1)).build());

    EmbedResponse response = embeddings(item, same);

    assertSeenAlike(response.getResults(0).getEmbedding(), response.getResults(1).getEmbedding());
    assertThat(response.getResults(1).getEmbedding().hasRegion()).isFalse();
  }

  /// Of the eight orientations of one picture, the same part of the upright image is the same.
  @Test
  void regionIsThatOfTheUprightImage() throws IOException {
    byte[] stored = withOrientation(6);
    byte[] upright = png(turnedClockwise(picture()));
    NormalizedBox corner = box(0, 0, 0.5f, 0.5f);

    EmbedResponse response =
        embeddings(
            image(content(stored).setRegion(corner).build()),
            image(content(upright).setRegion(corner).build()),
            image(
                content(stored)
                    .setRegion(corner)
                    .setOptions(
                        ImageOptions.newBuilder().setOrientation(Orientation.ORIENTATION_IGNORE))
                    .build()),
            image(content(png(picture())).setRegion(corner).build()));

    Embedding turned = response.getResults(0).getEmbedding();
    assertSeenAlike(turned, response.getResults(1).getEmbedding());
    assertThat(turned.getOrientedWidth()).isEqualTo(HEIGHT);
    assertThat(turned.getRegion().getWidth()).isEqualTo(HEIGHT / 2);
    Embedding ignored = response.getResults(2).getEmbedding();
    assertSeenAlike(ignored, response.getResults(3).getEmbedding());
    assertThat(ignored.getOrientedWidth()).isEqualTo(WIDTH);
    assertThat(ignored.getVector()).isNotEqualTo(turned.getVector());
  }

  @Test
  void regionsAreClassifiedByThemselves() {
    byte[] rgb = noise();
    Image.Builder whole = raw(WIDTH, HEIGHT, rgb).getContent().getImage().toBuilder();
    whole.setRegion(box(0, 0, 0.4f, 0.5f));
    var service = ClassificationServiceGrpc.newBlockingStub(gateway.channel());

    var ofRegion = service.classify(Requests.classify(image(whole.build()), "a cat", "a dog"));
    var ofPart =
        service.classify(Requests.classify(raw(20, 20, part(rgb, 0, 0, 20, 20)), "a cat", "a dog"));

    assertThat(ofRegion.getResults(0).getClassification().getScores(0).getCosine())
        .isCloseTo(
            ofPart.getResults(0).getClassification().getScores(0).getCosine(), within(1e-5f));
  }

  @Test
  void framesOfAnAnimationAreDifferentImages() {
    Image.Builder animation = content(file("frames-0.gif"));

    EmbedResponse response =
        embeddings(
            image(animation.build()),
            image(animation.setFrameIndex(0).build()),
            image(animation.setFrameIndex(5).build()));

    assertSeenAlike(response.getResults(0).getEmbedding(), response.getResults(1).getEmbedding());
    assertThat(response.getResults(2).getEmbedding().getVector())
        .isNotEqualTo(response.getResults(0).getEmbedding().getVector());
  }

  @Test
  void everyDetailIsTakenAndTheDefaultIsEveryPixel() {
    Image.Builder cat = content(file("420-q90.jpg"));
    EmbedResponse response =
        embeddings(
            image(cat.build()),
            image(cat.setOptions(ImageOptions.newBuilder().setDetail(Detail.DETAIL_HIGH)).build()),
            image(cat.setOptions(ImageOptions.newBuilder().setDetail(Detail.DETAIL_AUTO)).build()),
            image(cat.setOptions(ImageOptions.newBuilder().setDetail(Detail.DETAIL_LOW)).build()));

    Embedding first = response.getResults(0).getEmbedding();
    assertSeenAlike(response.getResults(1).getEmbedding(), first);
    assertSeenAlike(response.getResults(2).getEmbedding(), first);
    Embedding low = response.getResults(3).getEmbedding();
    assertThat(low.getOrientedWidth()).isEqualTo(first.getOrientedWidth());
    assertThat(low.getOrientedHeight()).isEqualTo(first.getOrientedHeight());
  }

  /// Y 16, U 128, V 128 is black.
  @Test
  void framesOfVideoAreTaken() {
    byte[] data = new byte[WIDTH * HEIGHT * 3 / 2];
    Arrays.fill(data, 0, WIDTH * HEIGHT, (byte) 16);
    Arrays.fill(data, WIDTH * HEIGHT, data.length, (byte) 128);

    EmbedResponse response =
        embeddings(
            video(PixelFormat.PIXEL_FORMAT_NV12, data),
            video(PixelFormat.PIXEL_FORMAT_I420, data),
            raw(WIDTH, HEIGHT, new byte[WIDTH * HEIGHT * 3]));

    assertSeenAlike(response.getResults(0).getEmbedding(), response.getResults(2).getEmbedding());
    assertSeenAlike(response.getResults(1).getEmbedding(), response.getResults(2).getEmbedding());
  }

  private static EmbedResponse embeddings(Item... items) {
    EmbedResponse response =
        EmbeddingServiceGrpc.newBlockingStub(gateway.channel()).embed(embed(items));
    response
        .getResultsList()
        .forEach(result -> assertThat(result.hasEmbedding()).as("%s", result).isTrue());
    return response;
  }

  /// The same pixels give the same vector, as far as that goes in one batch (1e-5).
  private static void assertSeenAlike(Embedding one, Embedding other) {
    List<Float> expected = other.getVector().getFloats().getValuesList();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(one.getVector().getFloats().getValues(i))
          .isCloseTo(expected.get(i), within(1e-5f));
    }
    assertThat(one.getOrientedWidth()).isPositive();
  }

  private static Item video(PixelFormat format, byte[] data) {
    return image(
        Image.newBuilder()
            .setRaw(
                RawImage.newBuilder()
                    .setWidth(WIDTH)
                    .setHeight(HEIGHT)
                    .setPixelFormat(format)
                    .setData(ByteString.copyFrom(data)))
            .build());
  }

  private static NormalizedBox box(float xMin, float yMin, float xMax, float yMax) {
    return NormalizedBox.newBuilder()
        .setXMin(xMin)
        .setYMin(yMin)
        .setXMax(xMax)
        .setYMax(yMax)
        .build();
  }

  private static Image.Builder content(byte[] file) {
    return Image.newBuilder().setContent(ByteString.copyFrom(file));
  }

  private static byte[] noise() {
    byte[] rgb = new byte[WIDTH * HEIGHT * 3];
    new Random(3).nextBytes(rgb);
    return rgb;
  }

  private static byte[] part(byte[] rgb, int left, int top, int width, int height) {
    byte[] part = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      System.arraycopy(rgb, ((top + y) * WIDTH + left) * 3, part, y * width * 3, width * 3);
    }
    return part;
  }

  private static BufferedImage picture() {
    BufferedImage picture = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(4);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        picture.setRGB(x, y, random.nextInt(1 << 24));
      }
    }
    return picture;
  }

  /// What EXIF orientation 6 says: the rows are the columns, from the right.
  private static BufferedImage turnedClockwise(BufferedImage picture) {
    BufferedImage turned =
        new BufferedImage(picture.getHeight(), picture.getWidth(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        turned.setRGB(picture.getHeight() - 1 - y, x, picture.getRGB(x, y));
      }
    }
    return turned;
  }

  private static byte[] png(BufferedImage picture) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(picture, "png", png);
    return png.toByteArray();
  }

  /// The picture as PNG with an `eXIf` chunk before its data.
  private static byte[] withOrientation(int orientation) throws IOException {
    byte[] png = png(picture());
    int afterHeader = 8 + 12 + 13;
    byte[] exif = {
      'M',
      'M',
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      1,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      (byte) orientation,
      0,
      0,
      0,
      0,
      0,
      0
    };
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(png, 0, afterHeader);
    BadInputTest.chunk(new DataOutputStream(out), "eXIf", exif);
    out.write(png, afterHeader, png.length - afterHeader);
    return out.toByteArray();
  }

  private static byte[] file(String name) {
    try {
      return Files.readAllBytes(IMAGES.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
