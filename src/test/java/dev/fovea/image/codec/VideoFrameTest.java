package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class VideoFrameTest {
  private final SniffingDecoder decoder =
      new SniffingDecoder(new ImageLimits(1 << 20, 1 << 20, 1 << 16, 1 << 16));

  static List<List<String>> frames() {
    return GoldenFiles.table("video.tsv");
  }

  @ParameterizedTest(name = "{1} {2}×{3}")
  @MethodSource("frames")
  void convertsAsOpenCvDoes(List<String> golden) {
    Pixels pixels = decode(frame(golden, GoldenFiles.bytes(golden.get(0)), 0));

    assertThat(GoldenFiles.sha256(pixels.rgb())).isEqualTo(golden.get(4));
  }

  @ParameterizedTest(name = "{1} {2}×{3}")
  @MethodSource("frames")
  void passesOverPaddingBehindRows(List<String> golden) {
    int width = Integer.parseInt(golden.get(2));
    byte[] tight = GoldenFiles.bytes(golden.get(0));
    boolean nv12 = golden.get(1).equals("NV12");
    int luma = width * Integer.parseInt(golden.get(3));
    byte[] padded = new byte[tight.length / width * (width + 6)];
    int to = padded(tight, 0, luma, width, 6, padded, 0);
    to = padded(tight, luma, tight.length, nv12 ? width : width / 2, nv12 ? 6 : 3, padded, to);

    assertThat(to).isEqualTo(padded.length);
    assertThat(decode(frame(golden, padded, width + 6)).rgb())
        .isEqualTo(decode(frame(golden, tight, 0)).rgb());
  }

  private static int padded(
      byte[] from, int start, int end, int row, int padding, byte[] into, int at) {
    int to = at;
    for (int i = start; i < end; i += row, to += row + padding) {
      System.arraycopy(from, i, into, to, row);
    }
    return to;
  }

  /// The matrix of BT.601 in the limited range, in floating point: no sample may be off by more
  /// than rounding.
  @Test
  void isBt601InTheLimitedRange() {
    for (int y = 0; y < 256; y += 5) {
      for (int u = 0; u < 256; u += 15) {
        for (int v = 0; v < 256; v += 17) {
          byte[] bytes = {(byte) y, (byte) y, (byte) y, (byte) y, (byte) u, (byte) v};
          Pixels pixels = decode(raw(PixelFormat.NV12, 2, 2, bytes));
          double luma = Math.max(0, y - 16) * 255.0 / 219;
          double chroma = 255.0 / 112;
          double red = luma + chroma * (1 - 0.299) * (v - 128);
          double blue = luma + chroma * (1 - 0.114) * (u - 128);
          double green =
              luma
                  - chroma * (1 - 0.299) * 0.299 / 0.587 * (v - 128)
                  - chroma * (1 - 0.114) * 0.114 / 0.587 * (u - 128);
          assertSample(pixels, 0, red);
          assertSample(pixels, 1, green);
          assertSample(pixels, 2, blue);
        }
      }
    }
  }

  private static void assertSample(Pixels pixels, int channel, double expected) {
    double clipped = Math.max(0, Math.min(255, expected));
    for (int pixel = 0; pixel < 4; pixel++) {
      assertThat(Math.abs((pixels.rgb()[3 * pixel + channel] & 0xFF) - clipped)).isLessThan(0.7);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NV12", "I420"})
  void refusesOddSizes(PixelFormat format) {
    GatewayException refusal = refusal(raw(format, 3, 2, new byte[9]));

    assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
    assertThat(refusal).hasMessage("width: 3 (expected: an even number for " + format + ")");
    assertThat(refusal(raw(format, 2, 3, new byte[9])))
        .hasMessage("height: 3 (expected: an even number for " + format + ")");
  }

  @ParameterizedTest
  @CsvSource({
    "NV12, 0, 23, 24 bytes",
    "NV12, 0, 25, 24 bytes",
    "I420, 0, 23, 24 bytes",
    "NV12, 6, 33, 34..36 bytes",
    "NV12, 6, 37, 34..36 bytes",
    "I420, 6, 34, 35..36 bytes"
  })
  void refusesOtherAmountsOfBytes(PixelFormat format, int stride, int bytes, String expected) {
    GatewayException refusal =
        refusal(new ImageSource.Raw(format, 4, 4, stride, ByteBuffer.allocate(bytes)));

    assertThat(refusal).hasMessage("data: " + bytes + " (expected: " + expected + ")");
  }

  @ParameterizedTest
  @CsvSource({"NV12, 34", "NV12, 36", "I420, 35", "I420, 36"})
  void lastRowMayEndWhereItsSamplesEnd(PixelFormat format, int bytes) {
    ImageSource source = new ImageSource.Raw(format, 4, 4, 6, ByteBuffer.allocate(bytes));

    assertThat(decode(source).height()).isEqualTo(4);
  }

  @Test
  void refusesOddStrideWhereChromaHasHalfOfIt() {
    GatewayException refusal =
        refusal(new ImageSource.Raw(PixelFormat.I420, 2, 2, 3, ByteBuffer.allocate(9)));

    assertThat(refusal).hasMessage("stride: 3 (expected: an even number for I420)");
  }

  private static ImageSource frame(List<String> golden, byte[] bytes, int stride) {
    return new ImageSource.Raw(
        PixelFormat.valueOf(golden.get(1)),
        Integer.parseInt(golden.get(2)),
        Integer.parseInt(golden.get(3)),
        stride,
        ByteBuffer.wrap(bytes));
  }

  private static ImageSource raw(PixelFormat format, int width, int height, byte[] bytes) {
    return new ImageSource.Raw(format, width, height, 0, ByteBuffer.wrap(bytes));
  }

  private GatewayException refusal(ImageSource source) {
    return catchThrowableOfType(GatewayException.class, () -> decoder.readHeader(source));
  }

  private Pixels decode(ImageSource source) {
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }
}
