package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SniffingDecoderTest {
  private final SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  @ParameterizedTest
  @CsvSource({
    "420-q90.jpg, JPEG, 61, 47, 1",
    "exif-6.jpg, JPEG, 13, 9, 6",
    "colour-8.png, PNG, 23, 19, 1",
    "exif-after-data-8.png, PNG, 13, 9, 8",
    "smaller-than-screen.gif, GIF, 60, 50, 1",
    "colour.bmp, BMP, 23, 19, 1"
  })
  void readsWhatTheFileDeclares(
      String name, ImageFormat format, int width, int height, int orientation) {
    ImageHeader header = decoder.readHeader(encoded(GoldenFiles.bytes(name)));

    assertThat(header.format()).isEqualTo(format);
    assertThat(header.width()).isEqualTo(width);
    assertThat(header.height()).isEqualTo(height);
    assertThat(header.orientation()).isEqualTo(orientation);
    assertThat(header.decodedBytes()).isGreaterThanOrEqualTo(3L * width * height);
  }

  @Test
  void refusesImageOfNoBytes() {
    GatewayException refusal = refusal(new byte[0]);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DECODE_FAILED);
    assertThat(refusal).hasMessage("image: 0 bytes (expected: an image file)");
  }

  @Test
  void refusesTextThatIsCalledAnImage() {
    GatewayException refusal = refusal("Hello, world".getBytes(StandardCharsets.US_ASCII));

    assertThat(refusal.reason()).isEqualTo(Reason.UNSUPPORTED_IMAGE_FORMAT);
    assertThat(refusal)
        .hasMessage(
            "first bytes: 48 65 6C 6C 6F 2C 20 77 (expected: those of JPEG, PNG, GIF, BMP, TIFF, WEBP)");
  }

  @Test
  void refusesMoreBytesThanAllowed() {
    byte[] file = GoldenFiles.bytes("colour.bmp");
    SniffingDecoder strict = new SniffingDecoder(new ImageLimits(file.length - 1, 1000, 1000, 100));

    GatewayException refusal = refusal(strict, file);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_TOO_LARGE);
    assertThat(refusal.metadata())
        .containsEntry("maxBytes", String.valueOf(file.length - 1))
        .containsEntry("actualBytes", String.valueOf(file.length));
  }

  @Test
  void takesExactlyWhatIsAllowed() {
    byte[] file = GoldenFiles.bytes("colour.bmp");
    SniffingDecoder strict = new SniffingDecoder(new ImageLimits(file.length, 23 * 19, 23, 2));

    assertThat(decode(strict, file).width()).isEqualTo(23);
  }

  @ParameterizedTest
  @CsvSource({"22, 1000, 100, maxSide", "1000, 436, 100, maxPixels"})
  void refusesLargerImagesThanAllowed(int maxSide, long maxPixels, int maxAspect, String limit) {
    byte[] file = GoldenFiles.bytes("colour.bmp");
    SniffingDecoder strict =
        new SniffingDecoder(new ImageLimits(10_000, maxPixels, maxSide, maxAspect));

    GatewayException refusal = refusal(strict, file);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal.metadata())
        .containsKey(limit)
        .containsEntry("width", "23")
        .containsEntry("height", "19");
  }

  @Test
  void refusesLongNarrowImages() {
    SniffingDecoder strict = new SniffingDecoder(new ImageLimits(10_000, 1000, 1000, 8));

    GatewayException refusal = refusal(strict, GoldenFiles.bytes("interlaced-1x9.png"));

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal).hasMessage("sides: 9:1 (expected: at most 8:1)");
    assertThat(refusal.metadata()).containsEntry("maxAspect", "8");
  }

  @Test
  void refusesHugeJpegByItsHeaderAlone() {
    byte[] file =
        HexFormat.of()
            .parseHex("FFD8" + "FFC00011" + "08" + "FFFFFFFF" + "03011100021100031100" + "FFDA");

    GatewayException refusal = refusal(file);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal.metadata())
        .containsEntry("width", "65535")
        .containsEntry("height", "65535")
        .containsEntry("maxSide", "16384");
  }

  @Test
  void refusesPngBombByItsHeaderAlone() {
    byte[] file = GoldenFiles.bytes("grey-8.png");
    byte[] lie = withIhdrSize(file, 30_000, 30_000);

    GatewayException refusal = refusal(lie);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal.metadata()).containsEntry("width", "30000");
  }

  @Test
  void refusesPngThatDeclaresMoreThanItHas() {
    byte[] lie = withIhdrSize(GoldenFiles.bytes("grey-8.png"), 23, 20);

    GatewayException refusal = refusal(lie);

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DECODE_FAILED);
    assertThat(refusal).hasMessage("PNG: image data: too short (expected: every row)");
  }

  @Tag("exhaustive")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "exif-6.jpg",
        "420-1x39.jpg",
        "grey-progressive.jpg",
        "cmyk.jpg",
        "palette-4-interlaced.png",
        "raw-profile-z-7.png",
        "colour-key.png",
        "transparent.gif",
        "interlaced-5.gif",
        "animated.gif",
        "palette-4.bmp",
        "rle8.bmp",
        "rle4.bmp",
        "565.bmp",
        "os2-8.bmp"
      })
  void fileCutShortAnywhereIsRefusedOrWhole(String name) {
    byte[] whole = GoldenFiles.bytes(name);
    byte[] expected = decode(decoder, whole).rgb();
    int refused = 0;
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      try {
        assertThat(decode(decoder, cut).rgb()).as("first %d bytes", length).isEqualTo(expected);
      } catch (GatewayException refusal) {
        refused++;
        assertThat(refusal.reason())
            .isIn(Reason.IMAGE_DECODE_FAILED, Reason.UNSUPPORTED_IMAGE_FORMAT);
      }
    }
    assertThat(refused).isPositive();
  }

  @Tag("exhaustive")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "exif-6.jpg",
        "grey-progressive.jpg",
        "cmyk.jpg",
        "palette-4-interlaced.png",
        "raw-profile-z-7.png",
        "animated.gif",
        "palette-4.bmp",
        "rle8.bmp",
        "565.bmp"
      })
  void damageNeverBecomesAnythingButARefusal(String name) {
    byte[] whole = GoldenFiles.bytes(name);
    Random random = new Random(name.hashCode());
    for (int round = 0; round < 500; round++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i < 1 + round % 4; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      try {
        Pixels pixels = decode(decoder, damaged);
        assertThat(pixels.rgb().length).isEqualTo(3 * pixels.width() * pixels.height());
      } catch (GatewayException refusal) {
        assertThat(refusal.getMessage()).doesNotContain("Exception");
      }
    }
  }

  @Test
  void refusesFrameThatTheFileDoesNotHave() {
    ImageOptions second = new ImageOptions(true, OptionalInt.empty(), 1, ImageOptions.Detail.AUTO);
    ImageSource source = encoded(GoldenFiles.bytes("colour.bmp"));

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> decoder.readHeader(source, second));

    assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
    assertThat(refusal).hasMessage("frame_index: 1 (expected: 0 to 0, as the image has frames)");
  }

  @Test
  void leavesTheBufferAsItWas() {
    byte[] file = GoldenFiles.bytes("420-q90.jpg");
    ByteBuffer buffer = ByteBuffer.allocateDirect(file.length + 7);
    buffer.position(3).put(file).flip().position(3);
    ByteBuffer readOnly = buffer.asReadOnlyBuffer();
    ImageSource source = new ImageSource.Encoded(readOnly);

    Pixels pixels = decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);

    assertThat(pixels.rgb()).isEqualTo(decode(decoder, file).rgb());
    assertThat(readOnly.position()).isEqualTo(3);
    assertThat(readOnly.remaining()).isEqualTo(file.length);
  }

  private static byte[] withIhdrSize(byte[] png, int width, int height) {
    byte[] lie = png.clone();
    ByteBuffer.wrap(lie).putInt(16, width).putInt(20, height);
    CRC32 crc = new CRC32();
    crc.update(lie, 12, 17);
    ByteBuffer.wrap(lie).putInt(29, (int) crc.getValue());
    return lie;
  }

  private GatewayException refusal(byte[] file) {
    return refusal(decoder, file);
  }

  private static GatewayException refusal(SniffingDecoder decoder, byte[] file) {
    return catchThrowableOfType(GatewayException.class, () -> decode(decoder, file));
  }

  private static Pixels decode(SniffingDecoder decoder, byte[] file) {
    ImageSource source = encoded(file);
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }

  private static ImageSource encoded(byte[] file) {
    return new ImageSource.Encoded(ByteBuffer.wrap(file));
  }
}
