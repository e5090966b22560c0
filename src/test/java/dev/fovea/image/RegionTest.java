package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RegionTest {
  @Test
  void wholeRegionIsTheWholeImage() {
    for (int side : new int[] {1, 2, 7, 4032, 16_384}) {
      assertThat(Region.WHOLE.within(side, side).isWhole(side, side)).isTrue();
    }
  }

  /// What is sent are floats: 0.1 is not quite a tenth.
  @ParameterizedTest
  @CsvSource({
    "0.1, 0.3, 10, 1, 2",
    "0.5, 1, 7, 4, 3",
    "0, 0.5, 7, 0, 4",
    "0.25, 0.75, 2, 1, 1",
    "0.24, 0.76, 2, 0, 2",
    "0.333333333, 0.666666666, 640, 213, 214",
    "0.1, 0.2, 4, 0, 1",
  })
  void edgesGoToTheNearestBorder(float min, float max, int side, int start, int length) {
    PixelBox box = new Region(min, 0, max, 1).within(side, 5);
    assertThat(box).isEqualTo(new PixelBox(start, 0, length, 5));
    PixelBox turned = new Region(0, min, 1, max).within(5, side);
    assertThat(turned).isEqualTo(new PixelBox(0, start, 5, length));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.0001, 0",
    "0.49, 0.4999, 4",
    "0.51, 0.5299, 5",
    "0.999, 1, 9",
    "0.99999994, 1, 9",
    "0.05, 0.051, 0",
  })
  void regionWithoutAPixelIsGivenTheOneOfItsCorner(float min, float max, int pixel) {
    assertThat(new Region(min, min, max, max).within(10, 10))
        .isEqualTo(new PixelBox(pixel, pixel, 1, 1));
  }

  @Test
  void regionsSideBySideShareNoPixelAndLeaveNoneOut() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      int side = 1 + random.nextInt(5000);
      float cut = random.nextFloat(0.01f, 0.99f);
      PixelBox left = new Region(0, 0, cut, 1).within(side, 1);
      PixelBox right = new Region(cut, 0, 1, 1).within(side, 1);

      assertThat(left.left()).isZero();
      assertThat(right.left() + right.width()).isEqualTo(side);
      if (Math.round(cut * side) > 0 && Math.round(cut * side) < side) {
        assertThat(left.width()).isEqualTo(right.left());
      }
    }
  }

  @Test
  void everyRegionLiesWithinTheImage() {
    Random random = new Random(2);
    for (int i = 0; i < 10_000; i++) {
      int width = 1 + random.nextInt(300);
      int height = 1 + random.nextInt(300);
      float x = random.nextFloat();
      float y = random.nextFloat();
      PixelBox box =
          new Region(x, y, Math.nextUp(x) + (1 - Math.nextUp(x)) * random.nextFloat(), 1)
              .within(width, height);

      assertThat(box.left() + box.width()).isLessThanOrEqualTo(width);
      assertThat(box.top() + box.height()).isLessThanOrEqualTo(height);
    }
  }

  @Test
  void regionThatIsNoneIsRefused() {
    for (double[] edges :
        new double[][] {
          {0.5, 0, 0.5, 1},
          {0.6, 0, 0.5, 1},
          {0, 0.5, 1, 0.5},
          {-0.1, 0, 1, 1},
          {0, 0, 1.1, 1},
          {Double.NaN, 0, 1, 1},
          {0, 0, 1, Double.NaN}
        }) {
      assertThatThrownBy(() -> new Region(edges[0], edges[1], edges[2], edges[3]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void partOfAnImageHoldsItsPixels() {
    byte[] rgb = new byte[4 * 3 * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) i;
    }
    Pixels pixels = new Pixels(4, 3, rgb);

    Pixels part = pixels.part(new PixelBox(1, 1, 2, 2));

    assertThat(part.width()).isEqualTo(2);
    assertThat(part.height()).isEqualTo(2);
    assertThat(part.rgb()).containsExactly(15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32);
    assertThat(pixels.part(new PixelBox(0, 0, 4, 3))).isSameAs(pixels);
  }
}
