package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.image.GoldenFiles;
import dev.fovea.image.Pixels;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// As the table of EXIF has it: where the first row and the first column of the stored image are
/// seen.
final class OrientationTest {
  private static final int[] SIDES = {1, 2, 15, 16, 17, 33};

  static List<Pixels> images() {
    return IntStream.of(SIDES)
        .boxed()
        .flatMap(
            width -> IntStream.of(SIDES).mapToObj(height -> GoldenFiles.pattern(width, height)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("images")
  void everyPixelIsWhereItIsSeen(Pixels stored) {
    for (int orientation = 1; orientation <= 8; orientation++) {
      Pixels upright = Orientation.upright(stored, orientation);

      boolean transposed = orientation >= 5;
      assertThat(upright.width()).isEqualTo(transposed ? stored.height() : stored.width());
      assertThat(upright.height()).isEqualTo(transposed ? stored.width() : stored.height());
      for (int y = 0; y < stored.height(); y++) {
        for (int x = 0; x < stored.width(); x++) {
          int[] place = place(orientation, x, y, stored.width() - 1, stored.height() - 1);
          assertThat(pixel(upright, place[0], place[1]))
              .as("orientation %d, pixel %d, %d", orientation, x, y)
              .isEqualTo(pixel(stored, x, y));
        }
      }
    }
  }

  private static int[] place(int orientation, int x, int y, int right, int bottom) {
    return switch (orientation) {
      case 1 -> new int[] {x, y};
      case 2 -> new int[] {right - x, y};
      case 3 -> new int[] {right - x, bottom - y};
      case 4 -> new int[] {x, bottom - y};
      case 5 -> new int[] {y, x};
      case 6 -> new int[] {bottom - y, x};
      case 7 -> new int[] {bottom - y, right - x};
      case 8 -> new int[] {y, right - x};
      default -> throw new IllegalArgumentException("orientation: " + orientation);
    };
  }

  private static byte[] pixel(Pixels pixels, int x, int y) {
    byte[] pixel = new byte[3];
    pixels.copyRow(y, x, 1, pixel, 0);
    return pixel;
  }

  @Test
  void uprightImageIsLeftAsItIs() {
    Pixels stored = GoldenFiles.pattern(3, 2);

    assertThat(Orientation.upright(stored, 1)).isSameAs(stored);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 6})
  void imageThatIsTurnedIsClosedAndNoOther(int orientation) {
    boolean[] closed = new boolean[1];
    Pixels pattern = GoldenFiles.pattern(3, 2);
    Pixels stored =
        Pixels.outsideTheHeap(3, 2, MemorySegment.ofArray(pattern.rgb()), () -> closed[0] = true);

    assertThat(Orientation.upright(stored, orientation)).isNotNull();

    assertThat(closed[0]).isEqualTo(orientation != 1);
  }
}
