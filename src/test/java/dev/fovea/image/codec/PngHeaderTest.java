package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageSource;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A good PNG with one field of its header changed.
final class PngHeaderTest {
  /// Where the fields of one byte begin: bit depth, colour type, compression, filter, interlace.
  private static final int DEPTH = 24;

  private static final int CHUNK_TYPE = 12;
  private static final int CHECKSUM = 29;

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, bit depth",
    "1, 7, 7, bit depth",
    "0, 3, 2, bit depth",
    "0, 4, 2, bit depth",
    "0, 16, 3, bit depth",
    "0, 4, 4, bit depth",
    "0, 4, 6, bit depth",
    "0, 3, 0, bit depth",
    "2, 1, 2, compression method",
    "3, 1, 2, filter method",
    "4, 2, 2, interlace method"
  })
  void fieldThatNoPngHasIsRefusedByName(int field, int value, int colourType, String name) {
    byte[] file = GoldenFiles.bytes("colour-8.png");
    file[DEPTH + 1] = (byte) colourType;
    file[DEPTH + field] = (byte) value;
    CRC32 checksum = new CRC32();
    checksum.update(file, CHUNK_TYPE, CHECKSUM - CHUNK_TYPE);
    ByteBuffer.wrap(file).putInt(CHECKSUM, (int) checksum.getValue());

    GatewayException refusal =
        catchThrowableOfType(
            GatewayException.class,
            () ->
                new SniffingDecoder(ImageLimits.DEFAULT)
                    .readHeader(new ImageSource.Encoded(ByteBuffer.wrap(file))));

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DECODE_FAILED);
    assertThat(refusal).hasMessageContaining(name).hasMessageContaining("" + value);
  }
}
