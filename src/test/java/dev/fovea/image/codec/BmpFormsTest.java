package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every kind of run, escape and palette by itself. What is expected is what Pillow 12.3 makes of
/// the same bytes. Runs are of pictures of 4×2 pixels whose colour n has n of blue.
final class BmpFormsTest {
  private static final int HEADERS_BYTES = 14 + 40;

  private final SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  @ParameterizedTest
  @CsvSource({
    // Bytes as they are: an odd number of them, with one that fills up, and an even one.
    "00030A0B0C00 010D 0000 040E 0001, 0E0E0E0E0A0B0C0D",
    "00040A0B0C0D 0000 040E 0001, 0E0E0E0E0A0B0C0D",
    // A run that is longer than what is left of its row.
    "060A 0000 040B 0001, 0B0B0B0B0A0A0A0A",
    "030A 030B 0000 040C 0001, 0C0C0C0C0A0A0A0B",
    // A move, and a picture that is whole without an end.
    "00020101 030A 0001, 000A0A0A00000000",
    "040A 0000 040B, 0B0B0B0B0A0A0A0A"
  })
  void decodesRunsOfBytes(String runs, String blue) {
    assertThat(decode(8, 1, runs)).isEqualTo(blue);
  }

  @ParameterizedTest
  @CsvSource({
    "0312 0130 0000 0445 0001, 0405040501020103",
    "00041234 0000 0456 0001, 0506050601020304",
    // The odd one is lost, and what its row then lacks is the first colour.
    "00031230 0170 0000 0456 0001, 0506050601020700"
  })
  void decodesRunsOfNibbles(String runs, String blue) {
    assertThat(decode(4, 2, runs)).isEqualTo(blue);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "040A 0000 00040B0C",
        "040A 0000 04",
        "040A 0000 000201",
        "040A 0000 0001",
        "040A 0001"
      })
  void refusesRunsThatEndEarly(String runs) {
    assertThat(catchThrowableOfType(GatewayException.class, () -> decode(8, 1, runs)).reason())
        .isEqualTo(Reason.IMAGE_DECODE_FAILED);
  }

  @ParameterizedTest
  @CsvSource({"8, 2", "4, 1", "1, 1", "24, 1"})
  void refusesRunsOfOtherDepths(int bits, int compression) {
    GatewayException refusal =
        catchThrowableOfType(
            GatewayException.class, () -> decode(bits, compression, "040A 0000 040B 0001"));

    assertThat(refusal.reason()).isEqualTo(Reason.UNSUPPORTED_IMAGE_FORMAT);
  }

  /// Indices that the palette lacks are greys where all that it has are, in order, but for two.
  @ParameterizedTest
  @CsvSource({
    "000000 010101 020202, 000102C8",
    "000000, 000102C8",
    "000000 010101, 00010000",
    "000000 010203, 00010000",
    "000000 010101 030303, 00010300"
  })
  void decodesIndicesBeyondThePalette(String palette, String blue) {
    byte[] colours = HexFormat.of().parseHex(palette.replaceAll("( |$)", "00"));

    assertThat(blue(file(8, 0, colours, "000102C8", 1))).isEqualTo(blue);
  }

  private String decode(int bits, int compression, String runs) {
    return blue(file(bits, compression, blues(bits), runs, 2));
  }

  private static byte[] blues(int bits) {
    int colours = bits > 8 ? 0 : 1 << bits;
    ByteBuffer palette = ByteBuffer.allocate(4 * colours).order(ByteOrder.LITTLE_ENDIAN);
    for (int colour = 0; colour < colours; colour++) {
      palette.putInt(colour | (colour + 1 & 0xFF) << 8);
    }
    return palette.array();
  }

  /// The blue of each pixel.
  private String blue(byte[] file) {
    ImageSource source = new ImageSource.Encoded(ByteBuffer.wrap(file));
    try (Pixels pixels = decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT)) {
      byte[] rgb = pixels.rgb();
      byte[] blue = new byte[rgb.length / 3];
      for (int i = 0; i < blue.length; i++) {
        blue[i] = rgb[3 * i + 2];
      }
      return HexFormat.of().withUpperCase().formatHex(blue);
    }
  }

  private static byte[] file(int bits, int compression, byte[] palette, String pixels, int height) {
    byte[] data = HexFormat.of().parseHex(pixels.replace(" ", ""));
    int start = HEADERS_BYTES + palette.length;
    ByteBuffer file = ByteBuffer.allocate(start + data.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 'B').put((byte) 'M').putInt(file.capacity()).putInt(0).putInt(start);
    file.putInt(40).putInt(4).putInt(height).putShort((short) 1).putShort((short) bits);
    file.putInt(compression).putInt(data.length).putInt(0).putInt(0);
    file.putInt(palette.length / 4).putInt(0);
    return file.put(palette).put(data).array();
  }
}
