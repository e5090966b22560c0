package dev.fovea.image.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.image.PixelBox;
import dev.fovea.image.Pixels;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NativeMemoryTest {
  private static final int KEPT = 3 << 18;

  @Test
  void isAsLargeAsAskedForWhateverBlockItLiesIn() {
    NativeMemory.allocate(2 * KEPT).close();

    try (NativeMemory memory = NativeMemory.allocate(2 * KEPT - 7)) {
      assertThat(memory.segment().byteSize()).isEqualTo(2 * KEPT - 7);
    }
  }

  @Test
  void refusesAccessOnceClosed() {
    NativeMemory memory = NativeMemory.copyOf(ByteBuffer.wrap(new byte[] {1, 2, 3}));
    assertThat(memory.toArray()).containsExactly(1, 2, 3);
    memory.close();

    assertThatThrownBy(memory::toArray).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatIsGivenBackIsUsedAgain() {
    NativeMemory memory = NativeMemory.allocate(KEPT);
    long address = memory.segment().address();
    memory.close();

    try (NativeMemory next = NativeMemory.allocate(KEPT)) {
      assertThat(next.segment().address()).isEqualTo(address);
    }
  }

  /// Else two images would share the block that was given back twice.
  @Test
  void closedTwiceIsGivenBackOnce() {
    NativeMemory memory = NativeMemory.allocate(KEPT);
    memory.close();
    memory.close();

    try (NativeMemory first = NativeMemory.allocate(KEPT);
        NativeMemory second = NativeMemory.allocate(KEPT)) {
      first.segment().fill((byte) 1);
      second.segment().fill((byte) 2);

      assertThat(first.segment().get(JAVA_BYTE, KEPT / 2)).isEqualTo((byte) 1);
    }
  }

  @Test
  void isClosedWhenItIsNotFilled() {
    MemorySegment[] seen = new MemorySegment[1];

    Optional<NativeMemory> filled =
        NativeMemory.filled(
            KEPT,
            out -> {
              seen[0] = out;
              return false;
            });

    assertThat(filled).isEmpty();
    assertThat(seen[0].scope().isAlive()).isFalse();
  }

  @Test
  void pixelsAreReadWhereTheyLie() {
    byte[] rgb = new byte[4 * 3 * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) i;
    }
    Pixels pixels = NativeMemory.copyOf(ByteBuffer.wrap(rgb)).pixels(4, 3);

    assertThat(pixels.rgb()).isEqualTo(rgb);
    assertThat(pixels.part(new PixelBox(1, 1, 2, 2)).rgb())
        .containsExactly(15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32);
    byte[] row = new byte[8];
    pixels.copyRow(2, 3, 1, row, 4);
    assertThat(row).containsExactly(0, 0, 0, 0, 33, 34, 35, 0);
  }

  @Test
  void closedPixelsRefuseToBeRead() {
    Pixels pixels = NativeMemory.copyOf(ByteBuffer.wrap(new byte[12])).pixels(2, 2);
    pixels.close();
    pixels.close();

    assertThatThrownBy(pixels::rgb).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> pixels.copyRow(0, 0, 1, new byte[3], 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
