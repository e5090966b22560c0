package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.DecodeTarget;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Needs libjpeg-turbo (Debian: libturbojpeg0). Skipped without it, unless FOVEA_REQUIRE_TOOLS says
/// no.
final class TurboJpegTest {
  private static final ImageOptions LOW =
      new ImageOptions(true, OptionalInt.empty(), 0, ImageOptions.Detail.LOW);

  @BeforeAll
  static void requireLibrary() {
    boolean found = TurboJpeg.load() instanceof Native.Present<TurboJpeg>;
    if (Boolean.parseBoolean(System.getenv("FOVEA_REQUIRE_TOOLS"))) {
      assertThat(found).as("libjpeg-turbo is required (FOVEA_REQUIRE_TOOLS)").isTrue();
    }
    assumeTrue(found, "no libjpeg-turbo");
  }

  static List<List<String>> jpegs() {
    return GoldenFiles.table("decoding.tsv").stream()
        .filter(golden -> golden.getFirst().endsWith(".jpg"))
        .toList();
  }

  static List<List<String>> onlyTurbo() {
    return GoldenFiles.table("turbo.tsv").stream()
        .filter(golden -> golden.get(1).equals("1"))
        .toList();
  }

  static List<List<String>> reduced() {
    return GoldenFiles.table("turbo.tsv").stream()
        .filter(golden -> !golden.get(1).equals("1"))
        .toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("jpegs")
  void givesPillowsBytesForEveryFile(List<String> golden) {
    for (JpegDecoding decoding : JpegDecoding.values()) {
      assertThat(GoldenFiles.sha256(decode(decoding, golden.get(0)).rgb()))
          .as(decoding.name())
          .isEqualTo(golden.get(3));
    }
  }

  @Test
  void agreesWithTheJdkOnEveryGeneratedFile() {
    Random random = new Random(4);
    for (int i = 0; i < 2_000; i++) {
      GeneratedJpeg jpeg = GeneratedJpeg.random(random);
      ByteBuffer file = jpeg.file();
      byte[] java = decode(JpegDecoding.JAVA, file).rgb();

      assertThat(decode(JpegDecoding.NATIVE, file).rgb()).as("%s", jpeg).isEqualTo(java);
      assertThat(decode(JpegDecoding.AUTO, file).rgb()).as("%s", jpeg).isEqualTo(java);
    }
  }

  /// The known difference: without the native decoder chroma that is halved in rows is repeated.
  @ParameterizedTest(name = "{0}")
  @MethodSource("onlyTurbo")
  void alsoWhereTheJdkDoesNotWhenAskedForAll(List<String> golden) {
    byte[] java = decode(JpegDecoding.JAVA, golden.get(0)).rgb();
    byte[] turbo = decode(JpegDecoding.NATIVE, golden.get(0)).rgb();

    assertThat(GoldenFiles.sha256(turbo)).isEqualTo(golden.get(2));
    assertThat(java).isNotEqualTo(turbo);
    assertThat(decode(JpegDecoding.AUTO, golden.get(0)).rgb()).isEqualTo(java);
  }

  @ParameterizedTest(name = "{0} 1/{1}")
  @MethodSource("reduced")
  void reducesAsPillowsDraftDoes(List<String> golden) {
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.NATIVE);
    ImageSource source = source(golden.get(0));
    ImageHeader header = decoder.readHeader(source, LOW);
    int denominator = Integer.parseInt(golden.get(1));
    DecodeTarget target =
        new DecodeTarget(
            Math.ceilDiv(header.width(), denominator) / 2,
            Math.ceilDiv(header.height(), denominator) / 2);

    Pixels pixels = decoder.decode(source, header, LOW, target);

    assertThat(pixels.width()).isEqualTo(Math.ceilDiv(header.width(), denominator));
    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(2));
  }

  @Test
  void turnsTheTargetAsItTurnsTheImage() {
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.AUTO);
    ImageSource source = source("exif-6.jpg");
    ImageHeader header = decoder.readHeader(source, LOW);

    Pixels narrow = decoder.decode(source, header, LOW, new DecodeTarget(2, 3));
    Pixels wide = decoder.decode(source, header, LOW, new DecodeTarget(3, 2));

    assertThat(narrow.width()).isEqualTo(5);
    assertThat(narrow.height()).isEqualTo(7);
    assertThat(wide.width()).isEqualTo(9);
  }

  /// Large enough for their memory to be kept for each other.
  @Test
  void imagesThatAreOpenTogetherDoNotShareMemory() throws IOException {
    ByteBuffer dark = jpeg(0x203040);
    ByteBuffer bright = jpeg(0xE0D0C0);
    decode(JpegDecoding.NATIVE, dark).close();
    try (Pixels first = decode(JpegDecoding.NATIVE, dark);
        Pixels second = decode(JpegDecoding.NATIVE, bright)) {
      assertThat(first.rgb()).isEqualTo(decode(JpegDecoding.JAVA, dark).rgb());
      assertThat(second.rgb()).isEqualTo(decode(JpegDecoding.JAVA, bright).rgb());
    }
  }

  private static ByteBuffer jpeg(int colour) throws IOException {
    BufferedImage image = new BufferedImage(400, 300, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 400 * 300; i++) {
      image.setRGB(i % 400, i / 400, colour ^ i % 7);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "jpeg", out);
    return ByteBuffer.wrap(out.toByteArray());
  }

  /// A file that is cut short in its data is complained of, and the JDK refuses it.
  @ParameterizedTest
  @ValueSource(strings = {"420-q90.jpg", "420-progressive.jpg", "exif-6.jpg"})
  void fileCutShortAnywhereIsRefusedOrWhole(String name) {
    byte[] whole = GoldenFiles.bytes(name);
    byte[] expected = decode(JpegDecoding.NATIVE, name).rgb();
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT, JpegDecoding.NATIVE);
    int refused = 0;
    for (int length = 3; length < whole.length; length++) {
      ImageSource cut = new ImageSource.Encoded(ByteBuffer.wrap(whole, 0, length));
      try {
        Pixels pixels = decoder.decode(cut, decoder.readHeader(cut), ImageOptions.DEFAULT);
        assertThat(pixels.rgb()).as("first %d bytes", length).isEqualTo(expected);
      } catch (GatewayException refusal) {
        refused++;
        assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DECODE_FAILED);
      }
    }
    assertThat(refused).isGreaterThan(whole.length - 10);
  }

  @Test
  void isNamedInTheSpecification() {
    assertThat(specification(JpegDecoding.JAVA)).startsWith("jpeg=imageio png=");
    assertThat(specification(JpegDecoding.AUTO)).startsWith("jpeg=imageio+turbojpeg png=");
    assertThat(specification(JpegDecoding.NATIVE)).startsWith("jpeg=turbojpeg png=");
  }

  private static String specification(JpegDecoding decoding) {
    return new SniffingDecoder(ImageLimits.DEFAULT, decoding).specification();
  }

  private static Pixels decode(JpegDecoding decoding, String name) {
    return decode(decoding, ByteBuffer.wrap(GoldenFiles.bytes(name)));
  }

  private static Pixels decode(JpegDecoding decoding, ByteBuffer file) {
    SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT, decoding);
    ImageSource source = new ImageSource.Encoded(file);
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }

  private static ImageSource source(String name) {
    return new ImageSource.Encoded(ByteBuffer.wrap(GoldenFiles.bytes(name)));
  }
}
