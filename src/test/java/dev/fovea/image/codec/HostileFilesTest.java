package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.HostileFiles;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that are made to hurt do not: each is refused in our own words or becomes the right image,
/// in memory that is bounded by what its header was allowed to declare.
@Timeout(60)
final class HostileFilesTest {
  /// Tables, the JDK's readers, and sixteen texts of a PNG file one after the other.
  private static final long FIXED_BYTES = 24 << 20;

  private final SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  static Stream<Arguments> refused() {
    return HostileFiles.refused().entrySet().stream()
        .map(file -> Arguments.of(file.getKey(), file.getValue()));
  }

  static Stream<Arguments> decoded() {
    return HostileFiles.decoded().entrySet().stream()
        .map(file -> Arguments.of(file.getKey(), file.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void isRefusedInOurOwnWords(String name, byte[] file) {
    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> decode(file, ImageOptions.DEFAULT));

    assertThat(refusal.reason())
        .isIn(
            Reason.IMAGE_DECODE_FAILED,
            Reason.IMAGE_DIMENSIONS_EXCEEDED,
            Reason.UNSUPPORTED_IMAGE_FORMAT);
    assertThat(refusal.getCause()).isNull();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void isRefusedInMemoryThatWasGranted(String name, byte[] file) {
    attempt(file);
    long granted = granted(file);

    assertThat(AllocatedBytes.during(() -> attempt(file)))
        .isLessThan(granted + file.length + FIXED_BYTES);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("decoded")
  void isDecodedInMemoryThatWasGranted(String name, byte[] file) {
    Pixels pixels = decode(file, ImageOptions.DEFAULT);
    long granted = granted(file);

    assertThat(pixels.width()).isLessThan(100);
    assertThat(granted).isLessThan(1 << 20);
    assertThat(AllocatedBytes.during(() -> decode(file, ImageOptions.DEFAULT)))
        .isLessThan(granted + 2L * file.length + FIXED_BYTES);
  }

  @Test
  void lastOfManyFramesIsRefusedForTheWorkItWouldBe() {
    byte[] file = HostileFiles.decoded().get("GIF of 100,000 frames");
    ImageSource source = source(file);

    assertThat(decoder.readHeader(source).frames()).isEqualTo(100_000);
    assertThat(decode(file, frame(4095)).width()).isEqualTo(2);
    GatewayException refusal =
        catchThrowableOfType(
            GatewayException.class, () -> decoder.readHeader(source, frame(99_999)));
    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal)
        .hasMessage(
            "pixels of 100000 frames, up to the one asked for: 6553600000"
                + " (expected: at most 268435456)");
  }

  @Test
  void pagesInACircleAreCountedOnce() {
    byte[] file = HostileFiles.decoded().get("TIFF whose pages go in a circle");

    assertThat(decoder.readHeader(source(file)).frames()).isEqualTo(1);
  }

  @Tag("exhaustive")
  @Test
  void pictureThatIsSomethingElseTooIsThePicture() {
    byte[] file = HostileFiles.decoded().get("GIF that is a script");

    assertThat(decode(file, ImageOptions.DEFAULT).rgb())
        .isEqualTo(decode(GoldenFiles.bytes("plain.gif"), ImageOptions.DEFAULT).rgb());
  }

  @Tag("exhaustive")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "lossy-15x25.webp",
        "lossy-alpha.webp",
        "lossless-15x25.webp",
        "xmp-5.webp",
        "frames-0.webp",
        "frames-1.gif",
        "lzw-predictor.tif",
        "deflate-tiles.tif",
        "packbits-strips.tif",
        "palette-4.tif",
        "big.tif",
        "cmyk.tif",
        "three-scans.jpg"
      })
  void fileCutShortAnywhereIsRefusedOrWhole(String name) {
    byte[] whole = GoldenFiles.bytes(name);
    byte[] expected = decode(whole, ImageOptions.DEFAULT).rgb();
    int refused = 0;
    for (int length = 0; length < whole.length; length++) {
      ImageSource cut = new ImageSource.Encoded(ByteBuffer.wrap(whole, 0, length));
      try {
        Pixels pixels = decoder.decode(cut, decoder.readHeader(cut), ImageOptions.DEFAULT);
        assertThat(pixels.rgb()).as("first %d bytes", length).isEqualTo(expected);
      } catch (GatewayException refusal) {
        refused++;
        assertThat(refusal.reason())
            .isIn(Reason.IMAGE_DECODE_FAILED, Reason.UNSUPPORTED_IMAGE_FORMAT);
      }
    }
    assertThat(refused).isPositive();
  }

  /// What the header lets a caller take; nothing where it is refused.
  private long granted(byte[] file) {
    try {
      ImageHeader header = decoder.readHeader(source(file));
      return header.decodedBytes();
    } catch (GatewayException refusal) {
      return 0;
    }
  }

  private void attempt(byte[] file) {
    try {
      decode(file, ImageOptions.DEFAULT);
    } catch (GatewayException refusal) {
      assertThat(refusal.reason()).isNotNull();
    }
  }

  private Pixels decode(byte[] file, ImageOptions options) {
    ImageSource source = source(file);
    return decoder.decode(source, decoder.readHeader(source, options), options);
  }

  private static ImageOptions frame(int index) {
    return new ImageOptions(true, OptionalInt.empty(), index, ImageOptions.Detail.AUTO);
  }

  private static ImageSource source(byte[] file) {
    return new ImageSource.Encoded(ByteBuffer.wrap(file));
  }
}
