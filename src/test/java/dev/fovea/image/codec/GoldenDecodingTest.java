package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every golden file decodes to the bytes that Pillow decodes it to.
final class GoldenDecodingTest {
  private static final int BACKGROUND = 0x1EA0DC;

  private final ImageDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  static List<List<String>> files() {
    return GoldenFiles.table("decoding.tsv");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void decodesUprightAsPillowDoes(List<String> golden) {
    Pixels pixels = decode(golden.get(0), ImageOptions.DEFAULT);

    assertThat(pixels.width()).isEqualTo(Integer.parseInt(golden.get(1)));
    assertThat(pixels.height()).isEqualTo(Integer.parseInt(golden.get(2)));
    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(3));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void decodesAsStoredAsPillowDoes(List<String> golden) {
    Pixels pixels = decode(golden.get(0), ImageOptions.of(false, OptionalInt.empty()));

    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(4));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void laysAlphaOverBackgroundAsPillowDoes(List<String> golden) {
    Pixels pixels = decode(golden.get(0), ImageOptions.of(false, OptionalInt.of(BACKGROUND)));

    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(5));
  }

  private Pixels decode(String name, ImageOptions options) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(GoldenFiles.bytes(name)));
    ImageHeader header = decoder.readHeader(source);
    return decoder.decode(source, header, options);
  }
}
