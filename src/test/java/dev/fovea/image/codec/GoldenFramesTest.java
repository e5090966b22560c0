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

/// Every frame of every animation decodes to the bytes that Pillow decodes it to.
final class GoldenFramesTest {
  private static final int BACKGROUND = 0x1EA0DC;

  private final ImageDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  static List<List<String>> frames() {
    return GoldenFiles.table("frames.tsv");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("frames")
  void decodesEveryFrameAsPillowDoes(List<String> golden) {
    int frame = Integer.parseInt(golden.get(1));
    ImageOptions options =
        new ImageOptions(true, OptionalInt.empty(), frame, ImageOptions.Detail.AUTO);
    ImageSource source = source(golden.get(0));

    ImageHeader header = decoder.readHeader(source, options);
    Pixels pixels = decoder.decode(source, header, options);

    assertThat(header.frames()).isEqualTo(Integer.parseInt(golden.get(2)));
    assertThat(header.width()).isEqualTo(pixels.width());
    assertThat(header.height()).isEqualTo(pixels.height());
    assertThat(pixels.width()).isEqualTo(Integer.parseInt(golden.get(3)));
    assertThat(pixels.height()).isEqualTo(Integer.parseInt(golden.get(4)));
    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(5));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("frames")
  void laysEveryFrameOverBackgroundAsPillowDoes(List<String> golden) {
    int frame = Integer.parseInt(golden.get(1));
    ImageOptions options =
        new ImageOptions(true, OptionalInt.of(BACKGROUND), frame, ImageOptions.Detail.AUTO);
    ImageSource source = source(golden.get(0));

    Pixels pixels = decoder.decode(source, decoder.readHeader(source, options), options);

    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(6));
  }

  private static ImageSource source(String name) {
    return new ImageSource.Encoded(ByteBuffer.wrap(GoldenFiles.bytes(name)));
  }
}
