package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.PixelFormat;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RawPixelsTest {
  private static final byte[] BYTES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

  private final SniffingDecoder decoder = new SniffingDecoder(ImageLimits.DEFAULT);

  @Test
  void takesRgbAsItIs() {
    assertThat(decode(PixelFormat.RGB24, 2, 2, 0).rgb()).isEqualTo(BYTES);
  }

  @Test
  void exchangesBlueAndRed() {
    assertThat(decode(PixelFormat.BGR24, 4, 1, 0).rgb())
        .containsExactly(3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10);
  }

  @Test
  void dropsAlpha() {
    assertThat(decode(PixelFormat.RGBA, 1, 3, 0).rgb())
        .containsExactly(1, 2, 3, 5, 6, 7, 9, 10, 11);
  }

  @Test
  void laysAlphaOverBackground() {
    byte[] bytes = {(byte) 200, 100, 0, (byte) 255, (byte) 200, 100, 0, 0, 100, 100, 100, 51};
    ImageSource source = new ImageSource.Raw(PixelFormat.RGBA, 3, 1, 0, ByteBuffer.wrap(bytes));
    ImageOptions onWhite = ImageOptions.of(true, OptionalInt.of(0xFFFFFF));

    Pixels pixels = decoder.decode(source, decoder.readHeader(source), onWhite);

    assertThat(pixels.rgb()).containsExactly(200, 100, 0, 255, 255, 255, 224, 224, 224);
  }

  @Test
  void makesGreyOfOneChannel() {
    assertThat(decode(PixelFormat.GRAY8, 2, 2, 0, 4).rgb())
        .containsExactly(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4);
  }

  @Test
  void passesOverPaddingBehindRows() {
    assertThat(decode(PixelFormat.GRAY8, 2, 3, 4).rgb())
        .containsExactly(1, 1, 1, 2, 2, 2, 5, 5, 5, 6, 6, 6, 9, 9, 9, 10, 10, 10);
    assertThat(decode(PixelFormat.GRAY8, 2, 3, 4, 10).rgb()).endsWith(9, 9, 9, 10, 10, 10);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 2, 0, 12, width, '0 (expected: > 0)'",
    "-1, 2, 0, 12, width, '-1 (expected: > 0)'",
    "2, 0, 0, 12, height, '0 (expected: > 0)'",
    "2, 2, 5, 12, stride, '5 (expected: 0, or at least the 6 bytes of a row)'",
    "2, 2, -6, 12, stride, '-6 (expected: 0, or at least the 6 bytes of a row)'",
    "2, 2, 0, 11, data, '11 (expected: 12 bytes)'",
    "2, 2, 0, 13, data, '13 (expected: 12 bytes)'",
    "2, 2, 8, 13, data, '13 (expected: 14..16 bytes)'",
    "2, 2, 8, 17, data, '17 (expected: 14..16 bytes)'",
    "2, 2147483647, 2147483647, 12, data, '12 (expected: "
        + "4611686011984936968..4611686014132420609 bytes)'"
  })
  void refusesFieldsThatDoNotFit(
      int width, int height, int stride, int bytes, String field, String text) {
    ImageSource source =
        new ImageSource.Raw(PixelFormat.RGB24, width, height, stride, ByteBuffer.allocate(bytes));

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> decoder.readHeader(source));

    assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
    assertThat(refusal).hasMessage(field + ": " + text);
  }

  @Test
  void refusesRawImageBeyondTheLimits() {
    SniffingDecoder strict = new SniffingDecoder(new ImageLimits(100, 3, 10, 10));
    ImageSource source = new ImageSource.Raw(PixelFormat.GRAY8, 2, 2, 0, ByteBuffer.allocate(4));

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> strict.readHeader(source));

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
  }

  private Pixels decode(PixelFormat format, int width, int height, int stride) {
    return decode(format, width, height, stride, BYTES.length);
  }

  private Pixels decode(PixelFormat format, int width, int height, int stride, int length) {
    ImageSource source =
        new ImageSource.Raw(format, width, height, stride, ByteBuffer.wrap(BYTES, 0, length));
    return decoder.decode(source, decoder.readHeader(source), ImageOptions.DEFAULT);
  }
}
