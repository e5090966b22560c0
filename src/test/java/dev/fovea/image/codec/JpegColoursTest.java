package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/// What the samples of a JPEG mean where no JFIF header says it.
final class JpegColoursTest {
  private static final byte[] ADOBE_RGB =
      HexFormat.of().parseHex("FFEE000E41646F626500640000000000");

  private final SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  @Test
  void componentsThatAreNamedSoAreRedGreenAndBlue() {
    byte[] bare = bare(GoldenFiles.bytes("444-q90.jpg"));
    byte[] byMarker = withAdobe(bare);
    byte[] byName = named(bare, 'R', 'G', 'B');

    assertThat(decode(byName)).isEqualTo(decode(byMarker)).isNotEqualTo(decode(bare));
  }

  @Test
  void othersAreNot() {
    byte[] bare = bare(GoldenFiles.bytes("444-q90.jpg"));

    for (String names : new String[] {"rgb", "RGb", "RgB", "rGB"}) {
      byte[] named = named(bare, names.charAt(0), names.charAt(1), names.charAt(2));
      assertThat(decode(named)).as(names).isEqualTo(decode(bare));
    }
  }

  /// The file without its JFIF header.
  private static byte[] bare(byte[] file) {
    int length = 2 + (file[4] << 8 | file[5]);
    byte[] bare = new byte[file.length - length];
    System.arraycopy(file, 0, bare, 0, 2);
    System.arraycopy(file, 2 + length, bare, 2, bare.length - 2);
    return bare;
  }

  private static byte[] withAdobe(byte[] file) {
    ByteArrayOutputStream with = new ByteArrayOutputStream();
    with.write(file, 0, 2);
    with.writeBytes(ADOBE_RGB);
    with.write(file, 2, file.length - 2);
    return with.toByteArray();
  }

  /// The file with other names for its three components, in its frame and in its scan.
  private static byte[] named(byte[] file, char... names) {
    byte[] named = file.clone();
    for (int at = 2; ; at += 2 + ((file[at + 2] & 0xFF) << 8 | file[at + 3] & 0xFF)) {
      boolean frame = (file[at + 1] & 0xFF) == 0xC0;
      boolean scan = (file[at + 1] & 0xFF) == 0xDA;
      for (int i = 0; i < 3 && (frame || scan); i++) {
        named[at + (frame ? 10 + 3 * i : 5 + 2 * i)] = (byte) names[i];
      }
      if (scan) {
        return named;
      }
    }
  }

  private byte[] decode(byte[] file) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file));
    try (Pixels pixels = decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT)) {
      return pixels.rgb();
    }
  }
}
