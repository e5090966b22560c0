package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageFormat;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A part of a file ends where it ends, whatever lies behind it.
final class ByteReaderTest {
  private final ByteReader part =
      ByteReader.of(ImageFormat.BMP, ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
          .slice(6);

  static Stream<Consumer<ByteReader>> reads() {
    return Stream.of(
        reader -> reader.slice(3),
        reader -> reader.slice(-1),
        reader -> reader.bytes(3),
        reader -> reader.read(new byte[3], 3),
        ByteReader::u32,
        reader -> reader.skip(3),
        reader -> reader.seek(7));
  }

  @ParameterizedTest
  @MethodSource("reads")
  void nothingBeyondTheEndIsRead(Consumer<ByteReader> read) {
    part.skip(4);

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> read.accept(part));

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DECODE_FAILED);
  }

  @Test
  void saysHowMuchWouldHaveBeenEnough() {
    part.skip(4);

    assertThat(catchThrowableOfType(GatewayException.class, () -> part.bytes(3)))
        .hasMessageContaining("6 bytes")
        .hasMessageContaining("at least 7");
  }

  @Test
  void looksAtNoByteBehindTheEnd() {
    part.skip(5);
    assertThat(part.peek()).isEqualTo(5);

    assertThat(part.u8()).isEqualTo(5);
    assertThat(catchThrowableOfType(GatewayException.class, part::peek)).isNotNull();
  }

  @Test
  void findsAByteInItselfAlone() {
    assertThat(part.skipPast(4)).isTrue();
    assertThat(part.position()).isEqualTo(5);
    assertThat(part.skipPast(7)).isFalse();
    assertThat(part.remaining()).isZero();
  }

  @Test
  void readsNumbersInBothOrders() {
    byte[] bytes = {(byte) 0x81, 2, 3, 4, 5, 6, 7, 8};
    ByteReader big = ByteReader.of(ImageFormat.TIFF, ByteBuffer.wrap(bytes));
    assertThat(big.u16()).isEqualTo(0x8102);
    big.seek(0);
    assertThat(big.u32()).isEqualTo(0x81020304L);
    big.seek(0);
    assertThat(big.u64()).isEqualTo(0x8102030405060708L);

    ByteReader little = ByteReader.of(ImageFormat.TIFF, ByteBuffer.wrap(bytes));
    little.littleEndian();
    assertThat(little.u16()).isEqualTo(0x281);
    little.seek(0);
    assertThat(little.u24()).isEqualTo(0x30281);
    little.seek(0);
    assertThat(little.u32()).isEqualTo(0x4030281L);
    little.seek(0);
    assertThat(little.u64()).isEqualTo(0x807060504030281L);
  }
}
